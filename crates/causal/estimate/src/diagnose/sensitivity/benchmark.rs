//! Measured covariates as a yardstick: how strong a confounder each of them would have been, had it been left out.

use serde::{Deserialize, Serialize};

use super::Sensitivity;

/// The strength of covariates that were measured, as if they had not been.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Share of the outcome's residual variance that they explain.
    pub cf_y: f64,
    /// What they add to the treatment's Riesz representer, relative to what is left without them.
    pub cf_d: f64,
    /// How far the two work together, signed by what leaving them out does to the estimate.
    pub rho: f64,
    /// The estimate without them less the estimate with them.
    pub change: f64,
}

/// Compares a fit with one that leaves some covariates out.
///
/// `cf_y = (sigma2_short - sigma2_long)/sigma2_long`, `cf_d = (nu2_long - nu2_short)/nu2_short`, both taken into [0, 1];
/// `rho = change / sqrt((sigma2_short - sigma2_long)(nu2_long - nu2_short))`. A hidden confounder as strong as these
/// covariates has bounds [`Sensitivity::bounds`] at these numbers.
///
/// Source: Chernozhukov et al. (2022), section 4.4.
pub fn benchmark(long: &Sensitivity, short: &Sensitivity) -> Benchmark {
    let (outcome, treatment) = (short.sigma2 - long.sigma2, long.nu2 - short.nu2);
    let change = short.theta - long.theta;
    let together = (outcome * treatment).sqrt();
    let rho = if together > 0.0 {
        (change / together).clamp(-1.0, 1.0)
    } else {
        change.signum()
    };
    Benchmark {
        cf_y: (outcome / long.sigma2).clamp(0.0, 1.0),
        cf_d: (treatment / short.nu2).clamp(0.0, 1.0),
        rho,
        change,
    }
}
