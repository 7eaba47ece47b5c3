//! Decision ids and the seeds that follow from them.

use ceteris_contract::identity::IdentityKey;
use ceteris_contract::time::Timestamp;
use ceteris_stats::hash;
use uuid::{Builder, NoContext, Uuid};

/// Separates the draw of the arm from every other use of a decision id.
const SEED_SALT: u64 = u64::from_le_bytes(*b"decision");

/// A new id: a UUIDv7, the instant in its first 48 bits and randomness of the operating system in the rest.
pub fn fresh(at: Timestamp) -> Uuid {
    let us = u64::try_from(at.0).unwrap_or(0);
    let nanos = (us % 1_000_000 * 1000) as u32;
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, us / 1_000_000, nanos))
}

/// The id of an idempotent request: HMAC of the caller's name, its key and the request's place in a batch, as a UUIDv8.
/// The same key gives the same id also after a restart, so that the store keeps one decision.
pub fn of_key(identity: &IdentityKey, caller: &str, key: &str, index: usize) -> Uuid {
    let mut message = b"ceteris-idempotency-1".to_vec();
    for part in [caller.as_bytes(), key.as_bytes()] {
        message.extend_from_slice(&(part.len() as u64).to_le_bytes());
        message.extend_from_slice(part);
    }
    message.extend_from_slice(&(index as u64).to_le_bytes());
    let mac = identity.mac(&message);
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&mac[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The seed with which this decision draws its arm.
pub fn seed(decision_id: &str) -> u64 {
    hash(0, decision_id.as_bytes(), SEED_SALT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_new_or_follow_from_the_key() {
        let at = Timestamp::parse("2026-01-31T10:00:00.123Z").unwrap();
        let (a, b) = (fresh(at), fresh(at));
        assert_ne!(a, b);
        assert_eq!(a.get_version_num(), 7);
        assert_eq!(
            u64::from_be_bytes(a.as_bytes()[..8].try_into().unwrap()) >> 16,
            1_769_853_600_123
        );
        let key = IdentityKey::new([1; 32]);
        assert_eq!(of_key(&key, "shop", "k", 0), of_key(&key, "shop", "k", 0));
        for other in [
            of_key(&key, "shop", "k", 1),
            of_key(&key, "shopk", "", 0),
            of_key(&key, "shop", "l", 0),
        ] {
            assert_ne!(of_key(&key, "shop", "k", 0), other);
        }
        assert_ne!(seed(&a.to_string()), seed(&b.to_string()));
    }
}
