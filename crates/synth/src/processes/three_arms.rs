//! Three arms, two of them against control: one is given where the outcome is high anyway, one where it is low.

use super::Row;
use super::interactive::covariates;
use crate::random::Stream;

/// Average effect of each arm against control.
const EFFECTS: [f64; 3] = [0.0, 0.5, 1.0];
/// How much the last arm's effect rises with x2, which is zero on average.
const SLOPE: f64 = 0.5;
/// Standard deviation of the arms' index, and where it ends: three of them, where the rarest arm has .105.
const INDEX_SD: f64 = 0.3;
const INDEX_MAX: f64 = 0.9;

/// The last arm against control.
pub(super) const THETA: f64 = EFFECTS[2];

/// `P(A = a given x)` in proportion to `1, exp(s), exp(-s)`, `s = .3 index`; `y = tau_A + index + e`. `tau` of a row is
/// the last arm's effect.
pub(super) fn row(stream: &mut Stream, p: usize, unit: u64) -> Row {
    let (x, index) = covariates(stream, p);
    let score = (INDEX_SD * index).clamp(-INDEX_MAX, INDEX_MAX);
    let odds = [1.0, libm::exp(score), libm::exp(-score)];
    let draw = stream.uniform() * odds.iter().sum::<f64>();
    let arm = usize::from(draw >= odds[0]) + usize::from(draw >= odds[0] + odds[1]);
    let tau = THETA + SLOPE * x[1];
    let effects = [EFFECTS[0], EFFECTS[1], tau];
    let y = effects[arm] + index + stream.normal();
    Row::of(unit, x, arm as f64, y, tau)
}
