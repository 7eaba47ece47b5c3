//! How much hidden confounding it would take: omitted variable bias bounds for the partially linear coefficient.
//!
//! Source: Chernozhukov, Cinelli, Newey, Sharma and Syrgkanis (2022), *Long story short: omitted variable bias in
//! causal machine learning*, theorem 2 and section 4.

use serde::{Deserialize, Serialize};

use crate::inference::{Clusters, InferenceError, normal_quantile, solve};
use crate::score;

/// The strength of a confounder that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confounding {
    /// Share of the outcome's residual variance that it explains, in [0, 1).
    pub cf_y: f64,
    /// Share of the treatment's residual variance that it explains, in [0, 1).
    pub cf_d: f64,
    /// How far the two work together, in [-1, 1]; 1 is the worst case.
    pub rho: f64,
}

/// What the estimate could be under a given confounding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Bounds `[lo, hi]` on the coefficient.
    pub theta: [f64; 2],
    /// One-sided confidence bounds `[lo, hi]` for them.
    pub ci: [f64; 2],
}

/// The elements that bounds and robustness values are made of.
#[derive(Clone, Debug)]
pub struct Sensitivity {
    theta: f64,
    /// sqrt(sigma2 nu2): the bias of the strongest confounder, per unit of strength.
    bias_max: f64,
    /// Influence function of theta, weighted, and of `bias_max`.
    psi_theta: Vec<f64>,
    psi_bias: Vec<f64>,
    clusters: Clusters,
}

/// Computes the elements for the partially linear model from its cross-fitted nuisances (one value a row).
///
/// `sigma2 = E[(y - l - theta (d - m))^2]`, `nu2 = 1 / E[(d - m)^2]`.
///
/// # Errors
/// As [`solve`].
pub fn partially_linear(
    y: &[f64],
    d: &[f64],
    l_hat: &[f64],
    m_hat: &[f64],
    w: &[f64],
    clusters: &Clusters,
) -> Result<Sensitivity, InferenceError> {
    let scores = score::partially_linear(y, d, l_hat, m_hat);
    let theta = solve(&scores, w, clusters)?.estimate;
    let total: f64 = w.iter().sum();
    let mean = |v: &[f64]| v.iter().zip(w).map(|(v, w)| v * w).sum::<f64>() / total;
    let v: Vec<f64> = d.iter().zip(m_hat).map(|(d, m)| d - m).collect();
    let residual: Vec<f64> = (0..y.len())
        .map(|i| (y[i] - l_hat[i] - theta * v[i]).powi(2))
        .collect();
    let sigma2 = mean(&residual);
    let variance = mean(&scores.psi_a);
    let nu2 = 1.0 / variance;
    let bias_max = (sigma2 * nu2).sqrt();
    let share: Vec<f64> = w.iter().map(|w| w / total).collect();
    let psi_theta = scores
        .at(theta)
        .iter()
        .zip(&share)
        .map(|(p, s)| p * s / variance)
        .collect();
    let psi_bias = (0..y.len())
        .map(|i| {
            let psi_sigma2 = residual[i] - sigma2;
            let psi_nu2 = nu2 - v[i] * v[i] * nu2 * nu2;
            share[i] * (sigma2 * psi_nu2 + nu2 * psi_sigma2) / (2.0 * bias_max)
        })
        .collect();
    Ok(Sensitivity {
        theta,
        bias_max,
        psi_theta,
        psi_bias,
        clusters: clusters.clone(),
    })
}

impl Sensitivity {
    /// Bounds under `confounding`, with one-sided bounds at confidence `level`; none for strengths outside [0, 1).
    pub fn bounds(&self, confounding: Confounding, level: f64) -> Option<Bounds> {
        let Confounding { cf_y, cf_d, rho } = confounding;
        let ok = (0.0..1.0).contains(&cf_y) && (0.0..1.0).contains(&cf_d) && rho.abs() <= 1.0;
        ok.then(|| {
            let strength = rho.abs() * (cf_y * cf_d / (1.0 - cf_d)).sqrt();
            let z = normal_quantile(level);
            let at = |sign: f64| {
                let theta = self.theta + sign * strength * self.bias_max;
                (theta, theta + sign * z * self.std_error(strength))
            };
            let (low, high) = (at(-1.0), at(1.0));
            Bounds {
                theta: [low.0, high.0],
                ci: [low.1, high.1],
            }
        })
    }

    /// The error of either bound at `strength`.
    ///
    /// The influence function of the lower bound is `psi_theta - strength psi_bias`, of the upper one the sum.
    /// DoubleML 0.11 scales `psi_theta` by the score's (negative) slope and so gives each bound the other's error. The
    /// larger of the two serves both bounds here: it is never too short, and equals the published values where
    /// DoubleML's is the larger.
    fn std_error(&self, strength: f64) -> f64 {
        let error = |strength: f64| {
            let psi: Vec<f64> = self
                .psi_theta
                .iter()
                .zip(&self.psi_bias)
                .map(|(t, b)| t + strength * b)
                .collect();
            self.clusters.sum_of_squares(&psi).sqrt()
        };
        error(strength).max(error(-strength))
    }

    /// RV: the equal strength `cf_y = cf_d` at which the bounds reach `null`.
    pub fn robustness_value(&self, null: f64, rho: f64) -> f64 {
        let strength = (self.theta - null).abs() / (rho.abs() * self.bias_max);
        // strength^2 = r^2 / (1 - r) solved for r.
        let s2 = strength * strength;
        if s2.is_finite() {
            0.5 * ((s2 * s2 + 4.0 * s2).sqrt() - s2)
        } else {
            1.0
        }
    }

    /// RVa: the equal strength at which the one-sided confidence bound at `level` reaches `null`; zero where it is
    /// there already.
    pub fn robustness_value_with_confidence(&self, null: f64, rho: f64, level: f64) -> f64 {
        let side = usize::from(self.theta < null);
        let beyond = |r: f64| {
            let bound = self
                .bounds(
                    Confounding {
                        cf_y: r,
                        cf_d: r,
                        rho,
                    },
                    level,
                )
                .map_or(null, |b| b.ci[side]);
            if side == 0 { bound <= null } else { bound >= null }
        };
        if beyond(0.0) {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 1.0 - 1e-12);
        for _ in 0..60 {
            let mid = 0.5 * (low + high);
            if beyond(mid) { high = mid } else { low = mid }
        }
        0.5 * (low + high)
    }
}
