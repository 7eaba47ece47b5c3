//! Binary treatment: `P(d = 1) = logistic(index)`, an outcome linear in x and d.

use super::{Row, logistic, toeplitz};
use crate::random::Stream;

pub(super) const THETA: f64 = 0.5;
const RHO: f64 = 0.5;
/// Share of the outcome's variance that x explains.
const R2_Y: f64 = 0.5;
/// Standard deviation of the treatment's index: propensities then lie in [.1, .9] but for one row in thousands, and
/// those are taken to its ends.
const INDEX_SD: f64 = 0.6;
/// The index that has a propensity of .9.
const INDEX_MAX: f64 = 2.197_224_577_336_219;
/// The same where overlap is weak: one row in five below .025 or above .975.
const WEAK_INDEX_SD: f64 = 2.8;

/// Normal covariates, and their sum with coefficients `1/j^2`, scaled to a variance of one.
pub(super) fn covariates(stream: &mut Stream, p: usize) -> (Vec<f64>, f64) {
    let x = toeplitz(stream, p, RHO);
    let beta = |j: usize| 1.0 / ((j + 1) * (j + 1)) as f64;
    let length: f64 = (0..p)
        .flat_map(|j| (0..p).map(move |k| (j, k)))
        .map(|(j, k)| beta(j) * beta(k) * libm::pow(RHO, j.abs_diff(k) as f64))
        .sum();
    let index: f64 = x.iter().enumerate().map(|(j, v)| v * beta(j)).sum::<f64>() / libm::sqrt(length);
    (x, index)
}

/// The propensity of an index of variance one, in [.1, .9].
pub(super) fn propensity(index: f64) -> f64 {
    logistic((INDEX_SD * index).clamp(-INDEX_MAX, INDEX_MAX))
}

pub(super) fn row(stream: &mut Stream, p: usize, unit: u64, weak: bool) -> Row {
    let (x, index) = covariates(stream, p);
    let propensity = if weak {
        logistic(WEAK_INDEX_SD * index)
    } else {
        propensity(index)
    };
    let d = f64::from(u8::from(stream.uniform() < propensity));
    // With weak overlap the effect varies with x: on the treated it is greater. Weighted by overlap it is the average's, for
    // the weights are even in x and what varies is odd.
    let tau = if weak { THETA + 0.5 * x[1] } else { THETA };
    let y = tau * d + libm::sqrt(R2_Y / (1.0 - R2_Y)) * index + stream.normal();
    Row {
        propensity: Some(propensity),
        ..Row::of(unit, x, d, y, tau)
    }
}
