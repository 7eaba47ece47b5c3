//! A treatment that shares a hidden cause with the outcome, and an instrument that does not.

use super::{Row, toeplitz};
use crate::random::Stream;

pub(super) const THETA: f64 = 1.0;
const RHO: f64 = 0.5;
/// Correlation of the errors of treatment and outcome.
const HIDDEN: f64 = 0.6;

/// `z = x1/4 + zeta`, `d = x'gamma + z + u`, `y = d + x'gamma + e`, `gamma_j = 1/j^2`, corr(u, e) = .6.
pub(super) fn row(stream: &mut Stream, p: usize, unit: u64) -> Row {
    let x = toeplitz(stream, p, RHO);
    let gamma: f64 = x
        .iter()
        .enumerate()
        .map(|(j, v)| v / ((j + 1) * (j + 1)) as f64)
        .sum();
    let e = stream.normal();
    let u = HIDDEN * e + libm::sqrt(1.0 - HIDDEN * HIDDEN) * stream.normal();
    let z = 0.25 * x[0] + stream.normal();
    let d = gamma + z + u;
    let y = THETA * d + gamma + e;
    Row {
        z: Some(z),
        ..Row::of(unit, x, d, y, THETA)
    }
}
