//! Who is decided for, as we store it: a keyed HMAC of the user id, and twelve bits of its murmur2.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use crate::murmur2::{murmur2, positive};

/// Buckets are powers of two up to this, so twelve bits of the hash are all that is ever kept.
pub const SHARDS: u16 = 4096;

/// The first 128 bits of HMAC-SHA-256(key, user_id): what everything at rest carries instead of the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKey(pub [u8; 16]);

impl UnitKey {
    /// Lower-case hexadecimal, 32 characters.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads the form that [`UnitKey::to_hex`] writes.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return None;
        }
        let mut key = [0u8; 16];
        for (i, pair) in bytes.chunks_exact(2).enumerate() {
            let hi = char::from(pair[0]).to_digit(16)?;
            let lo = char::from(pair[1]).to_digit(16)?;
            key[i] = (hi * 16 + lo) as u8;
        }
        Some(UnitKey(key))
    }
}

impl fmt::Display for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnitKey({})", self.to_hex())
    }
}

impl Serialize for UnitKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for UnitKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        UnitKey::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("a unit key is 32 hexadecimal digits"))
    }
}

/// A unit as stored: its key and the shard (murmur2 mod 4096) from which every bucket follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// Keyed HMAC of the user id.
    pub key: UnitKey,
    /// murmur2(user_id) mod 4096.
    pub shard: u16,
}

impl Unit {
    /// The bucket among `buckets`, a power of two up to 4096.
    pub fn bucket(&self, buckets: u16) -> u16 {
        self.shard % buckets.max(1)
    }
}

/// The secret under which user ids are hashed. Made at first start or given as a secret.
#[derive(Clone)]
pub struct IdentityKey([u8; 32]);

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

impl IdentityKey {
    /// Wraps 32 secret bytes.
    pub fn new(secret: [u8; 32]) -> Self {
        IdentityKey(secret)
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim();
        let halves = (text.len() == 64).then(|| text.split_at_checked(32)).flatten()?;
        let (first, second) = (UnitKey::from_hex(halves.0)?, UnitKey::from_hex(halves.1)?);
        let mut secret = [0u8; 32];
        secret[..16].copy_from_slice(&first.0);
        secret[16..].copy_from_slice(&second.0);
        Some(IdentityKey(secret))
    }

    /// HMAC-SHA-256 of `message` under the key, whole.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        // HMAC takes a key of any length; 32 bytes cannot be refused.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("hmac accepts a 32-byte key");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// The stored form of a user id.
    pub fn unit(&self, user_id: &str) -> Unit {
        let mac = self.mac(user_id.as_bytes());
        let mut key = [0u8; 16];
        key.copy_from_slice(&mac[..16]);
        Unit {
            key: UnitKey(key),
            shard: (positive(murmur2(user_id.as_bytes())) % u32::from(SHARDS)) as u16,
        }
    }
}

/// Lower-case hexadecimal of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_key_reads_back_and_depends_on_the_secret() {
        let unit = IdentityKey::new([7; 32]).unit("u-1");
        assert_eq!(UnitKey::from_hex(&unit.key.to_hex()), Some(unit.key));
        assert_ne!(unit.key, IdentityKey::new([8; 32]).unit("u-1").key);
        assert_eq!(unit.shard, IdentityKey::new([8; 32]).unit("u-1").shard);
        assert_eq!(UnitKey::from_hex("zz"), None);
    }

    #[test]
    fn a_key_is_read_from_hexadecimal_digits() {
        let key = IdentityKey::from_hex(&format!("{}\n", "07".repeat(32))).unwrap();
        assert_eq!(key.unit("u-1"), IdentityKey::new([7; 32]).unit("u-1"));
        for wrong in ["07", &"0g".repeat(32), &"é".repeat(32)] {
            assert!(IdentityKey::from_hex(wrong).is_none(), "{wrong}");
        }
    }
}
