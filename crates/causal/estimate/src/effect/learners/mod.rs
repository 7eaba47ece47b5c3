//! Learners of effects per unit, each a recipe over the same rows, and one fitted form that answers row by row.
//!
//! | learner | what it regresses | interval |
//! |---|---|---|
//! | `linear` | doubly robust scores on a linear basis | cluster-robust; of the best linear projection |
//! | `forest` | residual on residual, in a generalised random forest | little bags |
//! | `dr` | doubly robust scores, in an honest forest | little bags |
//! | `r` | residual on residual, linear in the basis | cluster-robust; of the overlap-weighted projection |
//! | `t` | the outcome in each arm, in honest forests of their own | little bags, the arms' variances added |
//! | `x` | imputed effects of either arm, mixed by the propensity | none: both share their nuisances |
//! | `s` | the outcome on covariates and arm in one forest | none: shrunk towards no effect |
//!
//! A forest's interval is about its own mean and holds no smoothing bias. Where the theory gives no interval the
//! error is NaN, never a guess.

mod compare;
mod fit;
mod linear_r;
mod scores;
mod stages;

pub use compare::{Compared, compare};
pub use fit::{EffectSample, LearnerParams, fit_effects};
pub use linear_r::project_residuals;
pub use scores::{Held, held_out_scores};

use ceteris_effect::ModelError;

use crate::dml::DmlError;
use crate::effect::ProjectionError;
use crate::evaluate::EvaluateError;
use crate::forest::GrowError;
use crate::learner::DesignError;

/// Why effects could not be learned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EffectError {
    /// The learner compares arms, and the treatment is a dose.
    #[error("learner {learner} compares arms; for a dose use forest or r")]
    Dose {
        /// The learner.
        learner: &'static str,
    },
    /// A forest could not be grown or asked.
    #[error("{0}")]
    Forest(#[from] GrowError),
    /// The doubly robust scores could not be had.
    #[error("{0}")]
    Dml(#[from] DmlError),
    /// The scores could not be projected.
    #[error("{0}")]
    Projection(#[from] ProjectionError),
    /// The covariates could not be handed to a learner.
    #[error("{0}")]
    Design(#[from] DesignError),
    /// Effects could not be scored.
    #[error("{0}")]
    Evaluate(#[from] EvaluateError),
    /// A fitted model could not be put together or asked.
    #[error("{0}")]
    Model(#[from] ModelError),
}

impl EffectError {
    /// Whether the caller asked to stop.
    pub fn is_interrupted(&self) -> bool {
        match self {
            EffectError::Forest(error) => error.is_interrupted(),
            EffectError::Dml(error) => error.is_interrupted(),
            _ => false,
        }
    }
}
