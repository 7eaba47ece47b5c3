//! A tree's stream of random numbers: SplitMix64 from the house's hash of seed and tree.

use ceteris_stats::{hash, uniform_of};

/// Weyl increment of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A seeded stream.
pub(super) struct Stream(u64);

impl Stream {
    /// The stream of item `number` for a purpose.
    pub(super) fn new(seed: u64, number: usize, purpose: u64) -> Self {
        Stream(hash(seed, &(number as u64).to_le_bytes(), purpose))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must be positive; the bias of n / 2^64 is beneath notice.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Puts a random subset of `k` items first, in random order.
    pub(super) fn choose<T>(&mut self, items: &mut [T], k: usize) {
        for i in 0..k.min(items.len()) {
            let j = i + self.below(items.len() - i);
            items.swap(i, j);
        }
    }

    /// A Poisson draw by multiplying uniforms.
    pub(super) fn poisson(&mut self, mean: f64) -> usize {
        // Above this exp(-mean) nears the least number; a draw so large tries every feature anyway.
        let limit = (-mean.min(600.0)).exp();
        let mut product = 1.0;
        let mut count = 0;
        loop {
            product *= uniform_of(self.bits());
            if product <= limit {
                return count;
            }
            count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_are_even() {
        let mut counts = [0u32; 10];
        for t in 0..2000 {
            let mut items: Vec<usize> = (0..10).collect();
            Stream::new(5, t, 1).choose(&mut items, 4);
            items[..4].iter().for_each(|&i| counts[i] += 1);
        }
        // 2 000 draws at probability 0.4: five standard deviations are 110.
        assert!(counts.iter().all(|c| c.abs_diff(800) < 110), "{counts:?}");
    }

    #[test]
    fn poisson_has_its_mean_and_variance() {
        let mut stream = Stream::new(9, 0, 2);
        let draws: Vec<f64> = (0..20_000).map(|_| stream.poisson(7.0) as f64).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(
            (mean - 7.0).abs() < 0.1 && (variance - 7.0).abs() < 0.4,
            "{mean} {variance}"
        );
    }
}
