//! Coefficients against the truth: the true ones on a fitted basis, and the band their Wald statistics must keep.

use ceteris_effect::EffectBasis;
use ceteris_stats::{Clusters, chi_square_quantile};
use ndarray::ArrayView1;
use ndarray::Axis;

use crate::effect::{ProjectionError, project};
use crate::learner::Design;

/// Coefficients of the true effects `tau` (one value a row) on a fitted basis: their weighted projection, exact where
/// the truth is linear in the basis. Give them to [`ceteris_effect::LinearEffect::wald`].
///
/// # Errors
/// As [`project`].
pub fn true_coefficients(
    basis: &EffectBasis,
    x: &Design,
    tau: &[f64],
    w: &[f64],
) -> Result<Vec<f64>, ProjectionError> {
    let gamma = ArrayView1::from(tau).insert_axis(Axis(1));
    project(basis, x, gamma, w, &Clusters::rows(x.n())).map(|fit| fit.one(0).beta)
}

/// The central interval at `level` of a chi-square with `df` degrees of freedom: where the sum of independent Wald
/// statistics should lie, `df` being the sum of theirs.
pub fn chi_square_band(df: usize, level: f64) -> [f64; 2] {
    let tail = 0.5 * (1.0 - level);
    [tail, 1.0 - tail].map(|p| chi_square_quantile(p, df as f64))
}
