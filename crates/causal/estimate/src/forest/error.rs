//! Why a forest could not be grown.

use ceteris_effect::forest::ForestError;

use crate::learner::{DesignError, LearnerError};
use crate::sample::FoldError;

/// Why a forest could not be grown.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GrowError {
    /// Covariates or arrays that do not fit a forest.
    #[error(transparent)]
    Forest(#[from] ForestError),
    /// A parameter is outside its range.
    #[error("{name} must be {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its range in words.
        range: &'static str,
    },
    /// An argument has another number of rows than the table.
    #[error("{what} has {found} rows where the table has {rows}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// A value is not a finite number, or a weight is negative.
    #[error("{what}, row {row}: the value cannot be used")]
    Value {
        /// The argument at fault.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// A row's arm is not one of the arms.
    #[error("row {row} has arm {arm}; there are {n_arms} arms, and at least 2 are needed")]
    UnknownArm {
        /// The row.
        row: usize,
        /// Its arm.
        arm: usize,
        /// Number of arms, control included.
        n_arms: usize,
    },
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
    /// The sample could not be cut.
    #[error("the sample could not be cut into folds")]
    Folds(#[from] FoldError),
    /// The covariates could not be handed to a nuisance learner.
    #[error("the covariates do not make a table")]
    Design(#[from] DesignError),
    /// A nuisance could not be learned.
    #[error("nuisance {nuisance} could not be learned outside fold {fold}")]
    Learner {
        /// The nuisance.
        nuisance: &'static str,
        /// The fold held out.
        fold: usize,
        /// The learner's reason.
        #[source]
        source: LearnerError,
    },
    /// The caller asked to stop.
    #[error("the fit was interrupted")]
    Interrupted,
}
