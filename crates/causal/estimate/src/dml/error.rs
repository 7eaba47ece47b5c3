//! Why a recipe has no answer.

use crate::inference::InferenceError;
use crate::learner::LearnerError;
use crate::sample::FoldError;

/// Why a recipe has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DmlError {
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
    /// A treatment or instrument that must be binary takes a value other than 0 and 1.
    #[error("the {what} of row {row} is neither 0 nor 1")]
    NotBinary {
        /// The argument at fault.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// A row is what its declared compliance says cannot be.
    #[error("row {row} is one of the {takers}-takers that were said not to exist")]
    Compliance {
        /// The row.
        row: usize,
        /// `always` or `never`.
        takers: &'static str,
    },
    /// A dose outside those observed.
    #[error("dose {dose} lies outside the observed doses, from {low} to {high}")]
    Dose {
        /// The dose asked about.
        dose: f64,
        /// Least dose observed.
        low: f64,
        /// Largest dose observed.
        high: f64,
    },
    /// A row's arm is not one of the arms.
    #[error("row {row} has arm {arm}; there are {n_arms} arms")]
    UnknownArm {
        /// The row.
        row: usize,
        /// Its arm.
        arm: usize,
        /// Number of arms, control included.
        n_arms: usize,
    },
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
    /// Known propensities are no probabilities, or the one of the row's own arm is zero.
    #[error("row {row}: the known propensities are not positive numbers that sum to one")]
    Propensity {
        /// The row.
        row: usize,
    },
    /// The sample could not be cut.
    #[error("the sample could not be cut into folds")]
    Folds(#[from] FoldError),
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
    /// The scores have no estimate.
    #[error("the scores give no estimate")]
    Inference(#[from] InferenceError),
    /// The caller asked to stop.
    #[error("the fit was interrupted")]
    Interrupted,
}
