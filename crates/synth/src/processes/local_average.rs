//! A binary instrument that some follow and others do not: those likelier to follow it have the greater effect.

use super::Row;
use super::interactive::{covariates, propensity};
use crate::random::Stream;

/// The average effect on everybody.
const ATE: f64 = 0.5;
/// How much the effect rises with x2.
const SLOPE: f64 = 1.0;
/// Share of compliers where x2 is least.
const COMPLIERS_MIN: f64 = 0.4;
/// How much that share rises from there to where x2 is greatest.
const COMPLIERS_RISE: f64 = 0.4;

/// `E[tau c] / E[c]` with `tau = ATE + SLOPE x2`, `c = min + rise Phi(x2)` and x2 standard normal. By Stein's lemma
/// `E[x2 Phi(x2)] = E[phi(x2)] = 1/(2 sqrt(pi))`.
pub(super) fn truth() -> f64 {
    let stein = 0.5 / libm::sqrt(core::f64::consts::PI);
    ATE + SLOPE * COMPLIERS_RISE * stein / (COMPLIERS_MIN + COMPLIERS_RISE / 2.0)
}

/// `P(z = 1) = logistic(.6 index)`, taken to [.1, .9]; always-takers, never-takers and compliers with probabilities
/// `(1 - c)/2`, `(1 - c)/2`, `c`; `y = tau d + index + 1{always} - 1{never} + e`. Nobody defies.
pub(super) fn row(stream: &mut Stream, p: usize, unit: u64) -> Row {
    let (x, index) = covariates(stream, p);
    let m = propensity(index);
    let z = f64::from(u8::from(stream.uniform() < m));
    let phi = 0.5 * libm::erfc(-x[1] / core::f64::consts::SQRT_2);
    let compliers = COMPLIERS_MIN + COMPLIERS_RISE * phi;
    let others = (1.0 - compliers) / 2.0;
    let kind = stream.uniform();
    let (d, kind_shift) = if kind < others {
        (1.0, 1.0)
    } else if kind < 2.0 * others {
        (0.0, -1.0)
    } else {
        (z, 0.0)
    };
    let tau = ATE + SLOPE * x[1];
    let y = tau * d + index + kind_shift + stream.normal();
    Row {
        z: Some(z),
        propensity: Some(others + m * compliers),
        averaged: compliers,
        ..Row::of(unit, x, d, y, tau)
    }
}
