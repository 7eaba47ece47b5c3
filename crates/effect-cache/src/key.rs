//! Names of values: SHA-256 over everything a value depends on, each part with its length, so that no two sets of parts
//! read the same.

use std::fmt;
use std::time::Duration;

use ceteris_contract::identity::hex;
use ceteris_contract::value::Value;
use sha2::{Digest, Sha256};

/// Separates these digests from every other use of the hash.
const KEY_SALT: &[u8] = b"ceteris-effect-1";
const FEATURES_SALT: &[u8] = b"ceteris-features-1";

/// Names one value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EffectKey(pub [u8; 32]);

impl fmt::Debug for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EffectKey({})", hex(&self.0))
    }
}

/// Names one feature vector, computed once for all treatments of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureHash([u8; 32]);

impl FeatureHash {
    /// Of the features that the model reads, in its order.
    pub fn of<'a>(features: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut hash = Sha256::new_with_prefix(FEATURES_SALT);
        named(&mut hash, features);
        FeatureHash(hash.finalize().into())
    }
}

/// Everything a value depends on.
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'a, P> {
    /// The artifact's digest.
    pub model_digest: &'a str,
    /// Digest of the online delta on top of it.
    pub online_delta: Option<&'a str>,
    /// The features.
    pub features: FeatureHash,
    /// The arm's id and its treatment's name.
    pub treatment: (&'a str, &'a str),
    /// The treatment's parameters by name, in the order of the names.
    pub parameters: P,
    /// The significance level of the intervals.
    pub interval_level: f64,
}

impl EffectKey {
    /// The name of what depends on these parts.
    pub fn of<'a, P>(parts: &KeyParts<'a, P>) -> Self
    where
        P: IntoIterator<Item = (&'a str, &'a Value)> + Clone,
    {
        let mut hash = Sha256::new_with_prefix(KEY_SALT);
        text(&mut hash, parts.model_digest);
        match parts.online_delta {
            None => hash.update([0]),
            Some(delta) => {
                hash.update([1]);
                text(&mut hash, delta);
            }
        }
        hash.update(parts.features.0);
        text(&mut hash, parts.treatment.0);
        text(&mut hash, parts.treatment.1);
        hash.update(parts.interval_level.to_bits().to_le_bytes());
        named(&mut hash, parts.parameters.clone());
        EffectKey(hash.finalize().into())
    }
}

impl EffectKey {
    /// How long this key's value is believed: between four fifths of `longest` and all of it, so that values written at
    /// once do not expire at once.
    pub(crate) fn lifetime(&self, longest: Duration) -> Duration {
        let spread = f64::from(u16::from_le_bytes([self.0[0], self.0[1]])) / f64::from(u16::MAX);
        longest.mul_f64(0.8 + 0.2 * spread)
    }
}

/// Each value by its name; nothing may follow, for their number is not written.
fn named<'a>(hash: &mut Sha256, values: impl IntoIterator<Item = (&'a str, &'a Value)>) {
    for (name, value) in values {
        text(hash, name);
        match value {
            Value::Null => hash.update([0]),
            Value::Bool(flag) => hash.update([1, u8::from(*flag)]),
            Value::Number(number) => {
                hash.update([2]);
                hash.update(number.to_bits().to_le_bytes());
            }
            Value::Text(category) => {
                hash.update([3]);
                text(hash, category);
            }
        }
    }
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_spread_over_the_last_fifth() {
        let longest = Duration::from_secs(100);
        let of = |first| {
            let mut key = [0; 32];
            key[..2].copy_from_slice(&u16::to_le_bytes(first));
            EffectKey(key).lifetime(longest)
        };
        assert_eq!((of(0), of(u16::MAX)), (Duration::from_secs(80), longest));
        assert!(of(1_000) < of(2_000));
    }

    #[test]
    fn every_part_makes_another_key() {
        let ten = Value::Number(10.0);
        let eleven = Value::Number(11.0);
        let word = Value::Text("10".into());
        let base = KeyParts {
            model_digest: "model",
            online_delta: None,
            features: FeatureHash::of([("a", &ten), ("b", &Value::Null)]),
            treatment: ("coupon_10pct", "coupon"),
            parameters: vec![("discount", &ten)],
            interval_level: 0.05,
        };
        let with = |change: &dyn Fn(&mut KeyParts<'static, Vec<(&'static str, &'static Value)>>)| {
            let mut parts = KeyParts {
                model_digest: "model",
                online_delta: None,
                features: base.features,
                treatment: ("coupon_10pct", "coupon"),
                parameters: vec![],
                interval_level: 0.05,
            };
            change(&mut parts);
            EffectKey::of(&parts)
        };
        let mut keys = vec![
            EffectKey::of(&base),
            with(&|_| {}),
            with(&|parts| parts.model_digest = "mode"),
            with(&|parts| parts.online_delta = Some("")),
            with(&|parts| parts.online_delta = Some("delta")),
            with(&|parts| parts.treatment = ("coupon_10pct", "coupo")),
            with(&|parts| parts.treatment = ("coupon_10pctc", "oupon")),
            with(&|parts| parts.interval_level = 0.1),
        ];
        let features: [&[(&str, &Value)]; 7] = [
            &[("a", &ten)],
            &[("a", &eleven), ("b", &Value::Null)],
            &[("a", &word), ("b", &Value::Null)],
            &[("a", &ten), ("b", &Value::Bool(false))],
            &[("b", &Value::Null), ("a", &ten)],
            &[("a", &ten), ("bb", &Value::Null)],
            &[],
        ];
        for features in features {
            let hash = FeatureHash::of(features.iter().copied());
            keys.push(EffectKey::of(&KeyParts {
                features: hash,
                ..base.clone()
            }));
        }
        for parameters in [
            vec![("discount", &eleven)],
            vec![("discount", &word)],
            vec![("d", &ten)],
        ] {
            keys.push(EffectKey::of(&KeyParts {
                parameters,
                ..base.clone()
            }));
        }
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "two sets of parts share a key");
        assert_eq!(EffectKey::of(&base), EffectKey::of(&base.clone()));
    }
}
