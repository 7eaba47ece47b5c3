//! One candidate's effects as a cache keeps them: every bit of what the model said.
//!
//! Little-endian: version (1 byte), 1 in support or 0 (1), number of outcomes (1), then of each the length of its name (1),
//! the name, effect and standard error (8 each).

use std::collections::BTreeMap;

use ceteris_contract::record::{CandidateEffects, PointEffect};

const VERSION: u8 = 1;

/// Effects that need not be computed.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownEffects {
    /// The unit lies in what the training rows hold.
    pub in_support: bool,
    /// Effect and standard error by outcome.
    pub outcomes: BTreeMap<String, PointEffect>,
}

impl KnownEffects {
    /// The bytes to keep of computed effects; nothing where there is no effect to keep.
    pub fn encode(effects: &CandidateEffects) -> Option<Vec<u8>> {
        let count = u8::try_from(effects.outcomes.len())
            .ok()
            .filter(|count| *count > 0)?;
        let mut bytes = vec![VERSION, u8::from(effects.in_support), count];
        for (name, point) in &effects.outcomes {
            bytes.push(u8::try_from(name.len()).ok()?);
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&point.effect.to_bits().to_le_bytes());
            bytes.extend_from_slice(&point.std_error.to_bits().to_le_bytes());
        }
        Some(bytes)
    }

    /// Reads what [`encode`](Self::encode) wrote; nothing of anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(3)?;
        let (&[VERSION, in_support @ (0 | 1), count], mut outcomes) = (head, BTreeMap::new()) else {
            return None;
        };
        for _ in 0..count {
            let (&length, after) = rest.split_first()?;
            let (name, after) = after.split_at_checked(usize::from(length))?;
            let name = std::str::from_utf8(name).ok()?.to_owned();
            let (effect, after) = number(after)?;
            let (std_error, after) = number(after)?;
            outcomes.insert(name, PointEffect { effect, std_error });
            rest = after;
        }
        let whole = rest.is_empty() && outcomes.len() == usize::from(count) && count > 0;
        whole.then_some(KnownEffects {
            in_support: in_support == 1,
            outcomes,
        })
    }
}

fn number(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    let number = f64::from_bits(u64::from_le_bytes(*number));
    number.is_finite().then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back_and_nothing_else_is_read() {
        let point = |effect, std_error| PointEffect { effect, std_error };
        let effects = CandidateEffects {
            treatment_id: "arm".into(),
            cost: Some(1.0),
            outcomes: BTreeMap::from([
                ("bought".into(), point(0.1 + 0.2, 1e-300)),
                ("spent".into(), point(-0.0, 0.0)),
            ]),
            in_support: true,
            reason: None,
        };
        let bytes = KnownEffects::encode(&effects).unwrap();
        let known = KnownEffects::decode(&bytes).unwrap();
        assert!(known.in_support);
        for (name, point) in &effects.outcomes {
            let back = known.outcomes[name];
            assert_eq!(back.effect.to_bits(), point.effect.to_bits(), "{name}");
            assert_eq!(back.std_error.to_bits(), point.std_error.to_bits(), "{name}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(KnownEffects::decode(&bytes[..cut]), None, "cut at {cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(KnownEffects::decode(&longer), None);
        let mut infinite = bytes;
        let end = infinite.len();
        infinite[end - 8..].copy_from_slice(&f64::INFINITY.to_bits().to_le_bytes());
        assert_eq!(KnownEffects::decode(&infinite), None);
        let none = CandidateEffects {
            outcomes: BTreeMap::new(),
            ..effects
        };
        assert_eq!(KnownEffects::encode(&none), None);
    }
}
