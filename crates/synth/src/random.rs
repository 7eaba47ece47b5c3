//! Counter-keyed random streams: each (seed, unit, purpose, ...) has its own, so that lives are independent of one
//! another and of the order in which they are asked for. SplitMix64 (Steele, Lea, Flood 2014); not for secrets.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: a bijection that scatters neighbouring keys.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    state: u64,
}

impl Stream {
    /// The stream of this key. Keys that differ in any part give unrelated streams.
    pub(crate) fn keyed(parts: &[u64]) -> Self {
        let state = parts.iter().fold(GOLDEN, |state, part| {
            mix(state.wrapping_add(GOLDEN) ^ mix(part.wrapping_add(GOLDEN)))
        });
        Stream { state }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform on [0, 1), 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal (Box and Muller 1958), one of the pair.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// One of 0..n; the bias of the multiplication is below n / 2^53.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::keyed(&[1, 2]);
        let n = 200_000;
        let (mut sum, mut squares, mut flat) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let z = stream.normal();
            sum += z;
            squares += z * z;
            flat += stream.uniform();
        }
        let n = n as f64;
        assert!((sum / n).abs() < 4.0 / n.sqrt());
        assert!((squares / n - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
        assert!((flat / n - 0.5).abs() < 4.0 * (1.0 / 12.0 / n).sqrt());
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |parts: &[u64]| Stream::keyed(parts).next();
        let base = first(&[1, 2, 3]);
        for other in [[0, 2, 3], [1, 0, 3], [1, 2, 0], [2, 1, 3], [3, 2, 1]] {
            assert_ne!(base, first(&other));
        }
        assert_ne!(base, first(&[1, 2]));
        assert_eq!(base, first(&[1, 2, 3]));
    }

    #[test]
    fn neighbouring_streams_are_uncorrelated() {
        let n = 20_000;
        let draws: Vec<f64> = (0..=n).map(|i| Stream::keyed(&[5, i]).uniform() - 0.5).collect();
        let product: f64 = draws.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / n as f64;
        assert!(product.abs() < 4.0 / 12.0 / (n as f64).sqrt(), "{product}");
    }
}
