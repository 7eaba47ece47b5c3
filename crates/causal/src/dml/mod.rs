//! Double machine learning recipes: learner + folds + score + inference.
//!
//! Nuisances are fitted on the rows outside a fold and predicted on the rows inside it, so that no unit's score sees
//! a nuisance that has seen the unit. Tasks (fold × nuisance) run in parallel; each is sequential inside and results
//! are put together in a fixed order, so they do not depend on the number of threads.

mod crossfit;
mod error;
mod interactive;
mod multi_arm;
mod params;
mod partially_linear;
mod progress;

use serde::{Deserialize, Serialize};

use crate::inference::Estimate;
use crate::learner::LearnerFlag;
use crate::sample::Folds;
use crate::score::Scores;

pub use error::DmlError;
pub use interactive::{Estimand, FittedInteractive, InteractiveNuisances, interactive};
pub use multi_arm::{FittedMultiArm, MultiArmRepeat, PropensitySource, multi_arm};
pub use params::{DmlParams, FoldPlan, Rows, ValidDmlParams};
pub use partially_linear::{FittedPartiallyLinear, PartiallyLinearNuisances, partially_linear};
pub use progress::{Progress, Watch, unwatched};

/// One cross-fitting: its folds, nuisances, scores and estimate.
#[derive(Clone, Debug)]
pub struct Repeat<N> {
    /// The folds.
    pub folds: Folds,
    /// Cross-fitted predictions.
    pub nuisances: N,
    /// The score.
    pub scores: Scores,
    /// The estimate of this repeat alone.
    pub estimate: Estimate,
}

/// How often a nuisance's fits raised a flag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlagCount {
    /// The nuisance, such as `g_1` or `m`.
    pub nuisance: String,
    /// What was flagged.
    pub flag: LearnerFlag,
    /// Fits (one a fold and repeat) that flagged it.
    pub fits: usize,
}
