//! A coin that nobody sees moves treatment and outcome; the effect runs through a mediator that it does not move.

use super::Row;
use super::interactive::{covariates, propensity};
use crate::random::Stream;

/// How much the treatment moves the mediator, which moves the outcome one for one.
pub(super) const THETA: f64 = 0.5;
/// How much likelier treatment is under one side of the coin than under the other where the propensity is a half.
const COIN_ON_TREATMENT: f64 = 0.4;
/// How much the coin moves the outcome.
const COIN_ON_OUTCOME: f64 = 2.0;

/// `P(d = 1 given x, u) = p + (u - 1/2) 1.6 p (1 - p)` with `p = logistic(.6 index)`, taken to [.1, .9], u a fair coin:
/// `P(d = 1 given x) = p` and `E[u given d, x] = 1/2 + .4 (d - p)`. `mediator = d/2 + index/2 + normal`,
/// `y = mediator + index + 2 (u - 1/2) + e`. Adjusting for x alone is off by .8.
pub(super) fn row(stream: &mut Stream, p: usize, unit: u64) -> Row {
    let (x, index) = covariates(stream, p);
    let propensity = propensity(index);
    let coin = f64::from(u8::from(stream.uniform() < 0.5)) - 0.5;
    let seen = propensity + coin * 4.0 * COIN_ON_TREATMENT * propensity * (1.0 - propensity);
    let d = f64::from(u8::from(stream.uniform() < seen));
    let mediator = THETA * d + 0.5 * index + stream.normal();
    let y = mediator + index + COIN_ON_OUTCOME * coin + stream.normal();
    Row {
        mediator: Some(mediator),
        propensity: Some(propensity),
        ..Row::of(unit, x, d, y, THETA)
    }
}
