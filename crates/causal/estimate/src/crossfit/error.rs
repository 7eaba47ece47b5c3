//! Why nuisances could not be cross-fitted.

use crate::learner::LearnerError;
use crate::progress::Interrupted;
use crate::sample::FoldError;

/// Why nuisances could not be cross-fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CrossFitError {
    /// The sample could not be cut.
    #[error("the sample could not be cut into folds")]
    Folds(#[from] FoldError),
    /// An arm has too few rows outside some fold to learn from.
    #[error("arm {arm} has {rows} rows to learn from outside fold {fold}; at least 2 are needed")]
    ThinArm {
        /// The arm.
        arm: usize,
        /// The fold held out.
        fold: usize,
        /// Its training rows.
        rows: usize,
    },
    /// A nuisance could not be learned.
    #[error("nuisance {nuisance} could not be learned outside fold {fold}")]
    Learner {
        /// The nuisance.
        nuisance: String,
        /// The fold held out.
        fold: usize,
        /// The learner's reason.
        #[source]
        source: LearnerError,
    },
    /// The caller asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
