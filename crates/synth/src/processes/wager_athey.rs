//! The three simulations of Wager and Athey (2018): uniform covariates, unit noise.

use super::{Process, Row};
use crate::random::Stream;

/// `1 + 1/(1 + exp(-20 (x - 1/3)))`.
fn steep(x: f64) -> f64 {
    1.0 + 1.0 / (1.0 + libm::exp(-20.0 * (x - 1.0 / 3.0)))
}

/// `2/(1 + exp(-12 (x - 1/2)))`.
fn gentle(x: f64) -> f64 {
    2.0 / (1.0 + libm::exp(-12.0 * (x - 0.5)))
}

/// The mean of `1/(1 + exp(-a (x - c)))` over [0, 1].
fn logistic_mean(a: f64, c: f64) -> f64 {
    (libm::log1p(libm::exp(a * (1.0 - c))) - libm::log1p(libm::exp(-a * c))) / a
}

pub(super) fn steep_mean() -> f64 {
    1.0 + logistic_mean(20.0, 1.0 / 3.0)
}

pub(super) fn gentle_mean() -> f64 {
    2.0 * logistic_mean(12.0, 0.5)
}

pub(super) fn row(process: Process, stream: &mut Stream, p: usize, unit: u64) -> Row {
    let x: Vec<f64> = (0..p).map(|_| stream.uniform()).collect();
    let (propensity, main, tau) = match process {
        Process::Aw2 => (0.5, 0.0, steep(x[0]) * steep(x[1])),
        Process::Aw3 => (0.5, 0.0, gentle(x[0]) * gentle(x[1])),
        // A quarter of one plus the density of Beta(2, 4), whose mean is confounded with 2 x1 - 1.
        _ => (
            0.25 * (1.0 + 20.0 * x[0] * libm::pow(1.0 - x[0], 3.0)),
            2.0 * x[0] - 1.0,
            0.0,
        ),
    };
    let d = f64::from(u8::from(stream.uniform() < propensity));
    let y = main + (d - 0.5) * tau + stream.normal();
    Row {
        propensity: Some(propensity),
        ..Row::of(unit, x, d, y, tau)
    }
}
