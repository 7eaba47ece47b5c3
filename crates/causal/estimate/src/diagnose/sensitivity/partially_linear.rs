//! Elements for the partially linear coefficient.

use ceteris_stats::Clusters;

use super::{Elements, Sensitivity};
use crate::inference::{InferenceError, solve};
use crate::score::{self, Observed, PartiallyLinearNuisances};

/// Computes the elements for the partially linear model from its cross-fitted nuisances (one value a row).
///
/// `sigma2 = E[(y - l - theta (d - m))^2]`, `nu2 = 1 / E[(d - m)^2]`.
///
/// # Errors
/// As [`solve`].
pub fn partially_linear(
    observed: Observed<'_>,
    nuisances: &PartiallyLinearNuisances,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Sensitivity, InferenceError> {
    let Observed { y, d } = observed;
    let PartiallyLinearNuisances { l_hat, m_hat } = nuisances;
    let scores = score::partially_linear(observed, nuisances);
    let theta = solve(&scores, w, clusters)?.estimate;
    let total: f64 = w.iter().sum();
    let mean = |v: &[f64]| v.iter().zip(w).map(|(v, w)| v * w).sum::<f64>() / total;
    let v: Vec<f64> = d.iter().zip(m_hat).map(|(d, m)| d - m).collect();
    let left: Vec<f64> = (0..y.len())
        .map(|i| (y[i] - l_hat[i] - theta * v[i]).powi(2))
        .collect();
    let (sigma2, variance) = (mean(&left), mean(&scores.psi_a));
    let nu2 = 1.0 / variance;
    let elements = Elements {
        theta,
        psi_theta: scores.at(theta).iter().map(|p| p / variance).collect(),
        sigma2,
        psi_sigma2: left.iter().map(|l| l - sigma2).collect(),
        nu2,
        psi_nu2: v.iter().map(|v| nu2 - v * v * nu2 * nu2).collect(),
    };
    Ok(elements.assemble(w, clusters))
}
