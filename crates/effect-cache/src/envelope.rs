//! A value as a backend outside the process holds it: with its key and a checksum, so that damage, a mixed-up reply or a
//! key that was overwritten by hand is seen.

use bytes::Bytes;

use crate::key::EffectKey;

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + 32 + 4;

/// The value in its envelope.
pub(crate) fn seal(key: &EffectKey, value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD_BYTES + value.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&key.0);
    sealed.extend_from_slice(&crc32fast::hash(value).to_le_bytes());
    sealed.extend_from_slice(value);
    sealed
}

/// The value, if it is whole and this key's.
pub(crate) fn open(key: &EffectKey, sealed: Vec<u8>) -> Option<Bytes> {
    let (head, value) = sealed.split_at_checked(HEAD_BYTES)?;
    let sound =
        head[0] == VERSION && head[1..33] == key.0 && head[33..] == crc32fast::hash(value).to_le_bytes();
    sound.then(|| Bytes::from(sealed).slice(HEAD_BYTES..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_value_of_the_same_key_is_taken_out() {
        let (key, other) = (EffectKey([1; 32]), EffectKey([2; 32]));
        let sealed = seal(&key, b"value");
        assert_eq!(open(&key, sealed.clone()).unwrap(), "value");
        assert_eq!(open(&other, sealed.clone()), None);
        assert_eq!(open(&key, seal(&key, b"")).unwrap(), "");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(open(&key, damaged), None, "byte {at}");
            assert_eq!(open(&key, sealed[..at].to_vec()), None, "cut at {at}");
        }
    }
}
