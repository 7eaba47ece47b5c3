//! Orthogonal scores as data.
//!
//! A linear score is `psi_i(theta) = psi_b_i - psi_a_i theta`, and the estimate is the root of its weighted sum.
//! Scores are computed from observed values and cross-fitted nuisances only; inference reads scores only.

mod front_door;
mod instrument;
mod interactive;
mod multi_arm;
mod partially_linear;
mod propensity;

use serde::{Deserialize, Serialize};

pub use front_door::{FrontDoorRow, front_door};
pub use instrument::{
    InstrumentNuisances, Instrumented, LocalAverageNuisances, local_average, partially_linear_instrument,
};
pub use interactive::{Estimand, InteractiveNuisances, interactive};
pub use multi_arm::{ArmHats, contrast, potential_means};
pub use partially_linear::{
    IvTypeNuisances, PartiallyLinearNuisances, partially_linear, partially_linear_iv_type,
};
pub use propensity::{ClipReport, TrimReport, clip_propensities, treated_propensity, trim};

/// What was observed of each row: the outcome and a treatment of one number.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Outcome.
    pub y: &'a [f64],
    /// Treatment.
    pub d: &'a [f64],
}

/// The two parts of a linear score, one value a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// What multiplies the parameter.
    pub psi_a: Vec<f64>,
    /// What does not.
    pub psi_b: Vec<f64>,
}

impl Scores {
    /// Number of rows.
    pub fn n(&self) -> usize {
        self.psi_b.len()
    }

    /// A score whose parameter is the mean of `psi_b`.
    pub fn mean_of(psi_b: Vec<f64>) -> Self {
        Scores {
            psi_a: vec![1.0; psi_b.len()],
            psi_b,
        }
    }

    /// `psi_i(theta)` for every row.
    pub fn at(&self, theta: f64) -> Vec<f64> {
        self.psi_a
            .iter()
            .zip(&self.psi_b)
            .map(|(a, b)| b - a * theta)
            .collect()
    }
}
