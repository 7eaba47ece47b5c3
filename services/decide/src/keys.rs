//! API keys: who calls, and what for. Secrets are kept as digests and compared in constant time.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

/// Shortest secret: below this a key can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `POST /v1/decide` and `/v1/decide/batch`.
    Decide,
    /// `GET /v1/models`.
    Models,
}

impl Scope {
    /// `decide` or `models`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Decide => "decide",
            Scope::Models => "models",
        }
    }
}

/// The keys configured. None at all means that everybody who reaches the address may call.
#[derive(Clone, Default)]
pub struct ApiKeys {
    /// Digest and scopes by the key's name.
    keys: BTreeMap<String, ([u8; 32], Vec<Scope>)>,
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// Why a caller is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No key, or an unknown one.
    Unauthorized,
    /// The key lacks the scope.
    Forbidden,
}

impl ApiKeys {
    /// Keys from name, secret and scopes.
    ///
    /// # Errors
    /// A name given twice, or a secret of fewer than 16 bytes.
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str, Vec<Scope>)>) -> Result<Self> {
        let mut all = BTreeMap::new();
        for (name, secret, scopes) in keys {
            if secret.len() < SECRET_BYTES_MIN {
                bail!("the secret of API key {name} has fewer than {SECRET_BYTES_MIN} bytes");
            }
            if all.insert(name.to_owned(), (digest(secret), scopes)).is_some() {
                bail!("API key {name} is given twice");
            }
        }
        Ok(ApiKeys { keys: all })
    }

    /// True without keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The caller's name, from an `Authorization` header. Without keys everybody is the caller without a name.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn admit(&self, authorization: Option<&str>, scope: Scope) -> Result<&str, Denied> {
        if self.keys.is_empty() {
            return Ok("");
        }
        let given = authorization.and_then(bearer).ok_or(Denied::Unauthorized)?;
        let given = digest(given);
        let mut found = None;
        // Every key is compared, whole, so that the time tells nothing about which one nearly matched.
        for (name, (known, scopes)) in &self.keys {
            if equal(known, &given) {
                found = Some((name.as_str(), scopes));
            }
        }
        let (name, scopes) = found.ok_or(Denied::Unauthorized)?;
        if scopes.contains(&scope) {
            Ok(name)
        } else {
            Err(Denied::Forbidden)
        }
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter()
        .zip(b)
        .fold(0u8, |difference, (x, y)| difference | (x ^ y))
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_its_scopes_only() {
        let keys = ApiKeys::new([
            ("shop", "0123456789abcdef", vec![Scope::Decide]),
            ("board", "fedcba9876543210", vec![Scope::Models]),
        ])
        .unwrap();
        assert_eq!(
            keys.admit(Some("Bearer 0123456789abcdef"), Scope::Decide),
            Ok("shop")
        );
        assert_eq!(
            keys.admit(Some("bearer fedcba9876543210"), Scope::Models),
            Ok("board")
        );
        assert_eq!(
            keys.admit(Some("Bearer 0123456789abcdef"), Scope::Models),
            Err(Denied::Forbidden)
        );
        for header in [
            None,
            Some("Bearer wrong"),
            Some("Basic 0123456789abcdef"),
            Some("0123456789abcdef"),
        ] {
            assert_eq!(
                keys.admit(header, Scope::Decide),
                Err(Denied::Unauthorized),
                "{header:?}"
            );
        }
        assert_eq!(ApiKeys::default().admit(None, Scope::Decide), Ok(""));
        assert!(ApiKeys::new([("short", "123", vec![])]).is_err());
        assert!(!format!("{keys:?}").contains("0123"));
    }
}
