//! One number with its error: an effect at one x.

use ceteris_stats::{normal_cdf, normal_quantile};
use serde::{Deserialize, Serialize};

/// An effect at one x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// tau(x), in units of the outcome.
    pub tau: f64,
    /// Its standard error.
    pub std_error: f64,
}

impl Effect {
    /// The two-sided normal interval at `level`.
    pub fn ci(&self, level: f64) -> [f64; 2] {
        let half = normal_quantile(0.5 + 0.5 * level) * self.std_error;
        [self.tau - half, self.tau + half]
    }

    /// Two-sided p-value of no effect.
    pub fn p_value(&self) -> f64 {
        2.0 * normal_cdf(-(self.tau / self.std_error).abs())
    }
}
