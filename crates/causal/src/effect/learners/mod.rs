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
mod model;
mod scores;
mod stages;

pub use compare::{Compared, compare};
pub use fit::{Given, LearnerData, LearnerParams, fit_effects};
pub use linear_r::project_residuals;
pub use model::{EffectModel, EffectScratch, ModelKind};
pub use scores::{Held, held_out_scores};

use serde::{Deserialize, Serialize};

use crate::dml::DmlError;
use crate::effect::{BasisError, ProjectionError};
use crate::evaluate::EvaluateError;
use crate::forest::ForestError;
use crate::learner::DesignError;

/// A learner of effects per unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectLearner {
    /// Best linear projection of doubly robust scores.
    Linear,
    /// Causal forest.
    Forest,
    /// Honest forest on doubly robust scores.
    Dr,
    /// Linear in the basis by the R-loss.
    R,
    /// Imputed effects.
    X,
    /// One forest an arm.
    T,
    /// One forest for all.
    S,
}

impl EffectLearner {
    /// All of them.
    pub const ALL: [EffectLearner; 7] = [
        EffectLearner::Linear,
        EffectLearner::Forest,
        EffectLearner::Dr,
        EffectLearner::R,
        EffectLearner::X,
        EffectLearner::T,
        EffectLearner::S,
    ];

    /// Name in manifests and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            EffectLearner::Linear => "linear",
            EffectLearner::Forest => "forest",
            EffectLearner::Dr => "dr",
            EffectLearner::R => "r",
            EffectLearner::X => "x",
            EffectLearner::T => "t",
            EffectLearner::S => "s",
        }
    }

    /// Fits that follow one another in the recipe for K treatments, each with a progress of its own.
    fn stages(&self, k: usize) -> usize {
        match self {
            EffectLearner::Linear | EffectLearner::Forest | EffectLearner::R | EffectLearner::S => 1,
            EffectLearner::Dr | EffectLearner::T => 1 + k,
            EffectLearner::X => 1 + 4 * k,
        }
    }

    /// Whether theory gives its estimates an interval.
    pub fn has_interval(&self) -> bool {
        !matches!(self, EffectLearner::X | EffectLearner::S)
    }

    /// Whether it can learn the effect of a dose rather than of arms.
    pub fn takes_dose(&self) -> bool {
        matches!(self, EffectLearner::Forest | EffectLearner::R)
    }
}

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
    Forest(#[from] ForestError),
    /// The doubly robust scores could not be had.
    #[error("{0}")]
    Dml(#[from] DmlError),
    /// The basis could not be fitted.
    #[error("{0}")]
    Basis(#[from] BasisError),
    /// The scores could not be projected.
    #[error("{0}")]
    Projection(#[from] ProjectionError),
    /// The covariates could not be handed to a learner.
    #[error("{0}")]
    Design(#[from] DesignError),
    /// Effects could not be scored.
    #[error("{0}")]
    Evaluate(#[from] EvaluateError),
    /// Parts that are no model.
    #[error("the arrays are not those of an effect model: {0}")]
    Parts(&'static str),
}
