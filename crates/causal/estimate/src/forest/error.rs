//! Why a forest could not be grown.

use ceteris_effect::forest::ForestError;

use crate::argument::ArgumentError;
use crate::crossfit::CrossFitError;
use crate::learner::DesignError;
use crate::progress::Interrupted;

/// Why a forest could not be grown.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GrowError {
    /// An argument cannot be used.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// Covariates or arrays that do not fit a forest.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// An arm has no rows to learn from.
    #[error("arm {arm} has {rows} rows of positive weight; at least {needed} are needed")]
    ThinArm {
        /// The arm.
        arm: usize,
        /// Its rows.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
    /// Subsamples of whole units need more of them.
    #[error(
        "{units} units of positive weight are too few for honest subsamples; at least {needed} are needed"
    )]
    TooFewUnits {
        /// Units found.
        units: usize,
        /// Units needed.
        needed: usize,
    },
    /// The covariates could not be handed to a nuisance learner.
    #[error("the covariates do not make a table")]
    Design(#[from] DesignError),
    /// The nuisances could not be cross-fitted.
    #[error(transparent)]
    CrossFit(#[from] CrossFitError),
}

impl From<Interrupted> for GrowError {
    fn from(stop: Interrupted) -> Self {
        GrowError::CrossFit(stop.into())
    }
}

impl GrowError {
    /// Whether the caller asked to stop.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, GrowError::CrossFit(CrossFitError::Interrupted(_)))
    }
}
