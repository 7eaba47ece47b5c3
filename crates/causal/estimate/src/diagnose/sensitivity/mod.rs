//! How much hidden confounding it would take: omitted variable bias bounds, robustness values, and covariates that were
//! measured as a yardstick for those that were not.
//!
//! Source: Chernozhukov, Cinelli, Newey, Sharma and Syrgkanis (2022), *Long story short: omitted variable bias in
//! causal machine learning*, theorem 2 and section 4.

mod benchmark;
mod interactive;
mod partially_linear;

use ceteris_stats::{Clusters, normal_quantile};
use serde::{Deserialize, Serialize};

pub use benchmark::{Benchmark, benchmark};
pub use interactive::interactive;
pub use partially_linear::partially_linear;

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
    sigma2: f64,
    nu2: f64,
    /// sqrt(sigma2 nu2): the bias of the strongest confounder, per unit of strength.
    bias_max: f64,
    /// Influence function of theta, weighted, and of `bias_max`.
    psi_theta: Vec<f64>,
    psi_bias: Vec<f64>,
    clusters: Clusters,
}

/// What a model's bounds are made of: two moments, each with its influence function, one value a row.
struct Elements {
    theta: f64,
    /// Influence of theta: the score over its slope.
    psi_theta: Vec<f64>,
    /// The outcome's variance that the regression leaves.
    sigma2: f64,
    psi_sigma2: Vec<f64>,
    /// The squared length of the Riesz representer.
    nu2: f64,
    psi_nu2: Vec<f64>,
}

impl Elements {
    fn assemble(self, w: &[f64], clusters: &Clusters) -> Sensitivity {
        let Elements { sigma2, nu2, .. } = self;
        let total: f64 = w.iter().sum();
        let bias_max = (sigma2 * nu2).sqrt();
        let psi_bias = (0..w.len()).map(|i| {
            let psi = sigma2 * self.psi_nu2[i] + nu2 * self.psi_sigma2[i];
            w[i] / total * psi / (2.0 * bias_max)
        });
        Sensitivity {
            theta: self.theta,
            sigma2,
            nu2,
            bias_max,
            psi_bias: psi_bias.collect(),
            psi_theta: self.psi_theta.iter().zip(w).map(|(p, w)| p * w / total).collect(),
            clusters: clusters.clone(),
        }
    }
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
