//! The house's stable 64-bit hash: small, seeded, the same on every machine and in every release.
//!
//! It is for sampling (folds, control times, draws), not for security and not against an adversary who picks keys.

/// Weyl increment of SplitMix64, 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Stafford's variant 13 of the MurmurHash3 finaliser: a bijection of 64 bits with full avalanche.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of `bytes` under `seed` and `salt`.
///
/// With `mix` the SplitMix64 finaliser and `G` its increment: `h = mix(seed + G)`, then `h = mix((h ^ word) + G)`
/// for each little-endian 64-bit word of `bytes` (the last one padded with zeros), for the number of bytes, and
/// for `salt`. The salt separates draws of one unit: a time in microseconds, a counter, the name of a purpose.
///
/// ```
/// use ceteris_stats::hash;
/// assert_eq!(hash(7, b"ada", 1), hash(7, b"ada", 1));
/// assert_ne!(hash(7, b"ada", 1), hash(7, b"ada", 2));
/// ```
pub fn hash(seed: u64, bytes: &[u8], salt: u64) -> u64 {
    let mut h = mix(seed.wrapping_add(GOLDEN));
    let mut absorb = |word: u64| h = mix((h ^ word).wrapping_add(GOLDEN));
    for chunk in bytes.chunks(8) {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        absorb(u64::from_le_bytes(word));
    }
    absorb(bytes.len() as u64);
    absorb(salt);
    h
}

/// The uniform number in `[0, 1)` that 64 hashed bits stand for: their upper 53 bits over 2^53.
pub fn uniform_of(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// `uniform_of(hash(seed, bytes, salt))`.
pub fn uniform(seed: u64, bytes: &[u8], salt: u64) -> f64 {
    uniform_of(hash(seed, bytes, salt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mix_is_splitmix64() {
        // First outputs of the published SplitMix64 generator with seed 1234567.
        let outputs: Vec<u64> = (1..=3u64)
            .map(|i| mix(1_234_567u64.wrapping_add(GOLDEN.wrapping_mul(i))))
            .collect();
        assert_eq!(
            outputs,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn fixed_vectors() {
        // Computed by an implementation in another language: they must never change.
        assert_eq!(hash(0, b"", 0), 0x2382_75bc_38fc_be91);
        assert_eq!(hash(7, b"ada", 1), 0x79a9_c4e2_1b89_3291);
        assert_eq!(
            hash(
                42,
                &std::array::from_fn::<u8, 16, _>(|i| i as u8),
                1_767_225_600_000_000
            ),
            0x2b83_bdfa_1ea6_c0bc
        );
    }

    #[test]
    fn length_and_salt_are_part_of_the_value() {
        assert_ne!(hash(0, &[0], 0), hash(0, &[0, 0], 0));
        assert_ne!(hash(0, &[], 0), hash(0, &[], 1));
        assert_ne!(hash(0, &[1], 0), hash(1, &[1], 0));
    }

    #[test]
    fn uniforms_are_uniform() {
        let n = 20_000u64;
        let mut counts = [0u32; 20];
        for i in 0..n {
            counts[(uniform(3, &i.to_le_bytes(), 0) * 20.0) as usize] += 1;
        }
        let expected = n as f64 / 20.0;
        let chi2: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - expected).powi(2) / expected)
            .sum();
        // Central 99.8 % of chi-square with 19 degrees of freedom.
        assert!((5.4..43.9).contains(&chi2), "chi2 {chi2}");
    }
}
