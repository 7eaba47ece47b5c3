//! Elements for the averages of the interactive model.

use ceteris_stats::Clusters;

use super::{Elements, Sensitivity};
use crate::inference::{InferenceError, solve};
use crate::score::{self, Estimand, InteractiveNuisances, Observed, Scores};

/// Computes the elements for an average effect of a binary `d` from cross-fitted nuisances (one value a row).
///
/// With weights omega of mean one and their mean omega_bar given x, the Riesz representer is
/// `alpha = omega_bar (d/m - (1 - d)/(1 - m))`; `nu2 = E[2 omega omega_bar (1/m + 1/(1 - m)) - alpha^2]`, which is
/// `E[alpha^2]` less sensitive to errors in m, and `sigma2 = E[(y - g_d)^2]`. Where weak overlap takes the former below
/// zero in the sample, `E[alpha^2]` itself serves.
///
/// Source: Chernozhukov et al. (2022), section 5.
///
/// # Errors
/// As [`solve`].
pub fn interactive(
    observed: Observed<'_>,
    nuisances: &InteractiveNuisances,
    estimand: Estimand,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Sensitivity, InferenceError> {
    let Observed { y, d } = observed;
    let InteractiveNuisances { g0, g1, m, .. } = nuisances;
    let total: f64 = w.iter().sum();
    let mean = |v: &[f64]| v.iter().zip(w).map(|(v, w)| v * w).sum::<f64>() / total;
    let scores = score::interactive(observed, nuisances, estimand, w);
    let theta = solve(&scores, w, clusters)?.estimate;
    let left: Vec<f64> = (0..y.len())
        .map(|i| (y[i] - if d[i] == 1.0 { g1[i] } else { g0[i] }).powi(2))
        .collect();
    let sigma2 = mean(&left);
    let (nu2, psi_nu2) = representer(d, m, estimand, &scores, &mean);
    let slope = mean(&scores.psi_a);
    let elements = Elements {
        theta,
        psi_theta: scores.at(theta).iter().map(|p| p / slope).collect(),
        sigma2,
        psi_sigma2: left.iter().map(|l| l - sigma2).collect(),
        nu2,
        psi_nu2,
    };
    Ok(elements.assemble(w, clusters))
}

/// nu2 and its influence.
fn representer(
    d: &[f64],
    m: &[f64],
    estimand: Estimand,
    scores: &Scores,
    mean: &dyn Fn(&[f64]) -> f64,
) -> (f64, Vec<f64>) {
    if estimand == Estimand::Overlap {
        // alpha = (d - m) / E[(d - m)^2], as in the partially linear model.
        let nu2 = 1.0 / mean(&scores.psi_a);
        return (nu2, scores.psi_a.iter().map(|v2| nu2 - v2 * nu2 * nu2).collect());
    }
    let share = mean(d);
    let weights = |i: usize| match estimand {
        Estimand::Att => (d[i] / share, m[i] / share),
        Estimand::Atc => ((1.0 - d[i]) / (1.0 - share), (1.0 - m[i]) / (1.0 - share)),
        Estimand::Ate | Estimand::Overlap => (1.0, 1.0),
    };
    let (mut squares, mut robust) = (Vec::with_capacity(d.len()), Vec::with_capacity(d.len()));
    for i in 0..d.len() {
        let (omega, omega_bar) = weights(i);
        let alpha = omega_bar * (d[i] / m[i] - (1.0 - d[i]) / (1.0 - m[i]));
        squares.push(alpha * alpha);
        robust.push(2.0 * omega * omega_bar * (1.0 / m[i] + 1.0 / (1.0 - m[i])) - alpha * alpha);
    }
    let used = if mean(&robust) > 0.0 { robust } else { squares };
    let nu2 = mean(&used);
    (nu2, used.iter().map(|v| v - nu2).collect())
}
