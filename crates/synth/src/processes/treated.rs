//! Binary treatment, taken by those whom it helps most: the treated have a greater effect than everybody.

use super::Row;
use crate::random::Stream;

/// Propensity at x1 = 0, and how much it rises to x1 = 1.
const PROPENSITY: [f64; 2] = [0.25, 0.5];
/// The same of the effect.
const EFFECT: [f64; 2] = [1.0, 2.0];

/// `E[tau m] / E[m]` with both linear in x1, uniform on [0, 1]: `E[x1] = 1/2`, `E[x1^2] = 1/3`.
pub(super) fn truth() -> f64 {
    let ([m, m_rise], [tau, tau_rise]) = (PROPENSITY, EFFECT);
    let product = tau * m + (tau * m_rise + tau_rise * m) / 2.0 + tau_rise * m_rise / 3.0;
    product / (m + m_rise / 2.0)
}

/// Uniform covariates, `y = tau d + 2 x1^2 + x2 + e`.
pub(super) fn row(stream: &mut Stream, p: usize, unit: u64) -> Row {
    let x: Vec<f64> = (0..p).map(|_| stream.uniform()).collect();
    let line = |[base, rise]: [f64; 2]| base + rise * x[0];
    let (propensity, tau) = (line(PROPENSITY), line(EFFECT));
    let d = f64::from(u8::from(stream.uniform() < propensity));
    let y = tau * d + 2.0 * x[0] * x[0] + x[1] + stream.normal();
    Row {
        propensity: Some(propensity),
        averaged: propensity,
        ..Row::of(unit, x, d, y, tau)
    }
}
