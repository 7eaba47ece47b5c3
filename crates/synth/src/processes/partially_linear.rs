//! Partially linear processes: `d = m(x) + v`, `y = theta d + g(x) + e`.

use super::{Row, logistic, toeplitz};
use crate::random::Stream;

pub(super) const THETA: f64 = 0.5;
const RHO: f64 = 0.7;
/// Degrees of freedom of the heavy-tailed errors.
const HEAVY_DF: f64 = 2.5;

/// `m = x1 + logistic(x3)/4`, `g = logistic(x1) + x3/4`, standard normal v and e, or e of Student's t.
pub(super) fn row(stream: &mut Stream, p: usize, unit: u64, heavy: bool) -> Row {
    let x = toeplitz(stream, p, RHO);
    let d = x[0] + 0.25 * logistic(x[2]) + stream.normal();
    let e = if heavy {
        student(stream, HEAVY_DF)
    } else {
        stream.normal()
    };
    finish(x, d, e, unit)
}

/// The same with half of each error's variance shared within the cluster.
pub(super) fn clustered(stream: &mut Stream, shared: &mut Stream, p: usize, unit: u64) -> Row {
    let x = toeplitz(stream, p, RHO);
    let half = libm::sqrt(0.5);
    let v = half * (shared.normal() + stream.normal());
    let e = half * (shared.normal() + stream.normal());
    let d = x[0] + 0.25 * logistic(x[2]) + v;
    finish(x, d, e, unit)
}

/// The same with a third of each error's variance shared within the cluster of either way.
pub(super) fn in_two_ways(stream: &mut Stream, shared: &mut [Stream; 2], p: usize, ways: [u64; 2]) -> Row {
    let x = toeplitz(stream, p, RHO);
    let third = libm::sqrt(1.0 / 3.0);
    let [one, two] = shared;
    let mut error = || third * (one.normal() + two.normal() + stream.normal());
    let (v, e) = (error(), error());
    let d = x[0] + 0.25 * logistic(x[2]) + v;
    Row {
        second: Some(ways[1]),
        ..finish(x, d, e, ways[0])
    }
}

/// The same with the curve [`of_dose`] in the place of the line. `tau` of a row is the effect of dose 1 against 0.
pub(super) fn dosed(stream: &mut Stream, p: usize, unit: u64) -> Row {
    let x = toeplitz(stream, p, RHO);
    let d = x[0] + 0.25 * logistic(x[2]) + stream.normal();
    let y = of_dose(d) + logistic(x[0]) + 0.25 * x[2] + stream.normal();
    Row::of(unit, x, d, y, of_dose(1.0) - of_dose(0.0))
}

/// What a dose adds to the outcome.
pub(super) fn of_dose(d: f64) -> f64 {
    THETA * d + 0.25 * d * d
}

fn finish(x: Vec<f64>, d: f64, e: f64, unit: u64) -> Row {
    let y = THETA * d + logistic(x[0]) + 0.25 * x[2] + e;
    Row::of(unit, x, d, y, THETA)
}

/// Student's t by Bailey's polar method (1994).
fn student(stream: &mut Stream, df: f64) -> f64 {
    let (u, v) = (1.0 - stream.uniform(), stream.uniform());
    let radius = libm::sqrt(df * (libm::pow(u, -2.0 / df) - 1.0));
    radius * libm::cos(core::f64::consts::TAU * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_has_the_quantiles_of_its_table() {
        let mut stream = Stream::keyed(&[3]);
        let mut draws: Vec<f64> = (0..100_000).map(|_| student(&mut stream, 3.0)).collect();
        draws.sort_unstable_by(f64::total_cmp);
        // t(3): the .975 quantile is 3.182, the .75 quantile 0.765.
        assert!((draws[97_500] - 3.182).abs() < 0.12, "{}", draws[97_500]);
        assert!((draws[75_000] - 0.765).abs() < 0.02, "{}", draws[75_000]);
    }
}
