//! Why effects could not be evaluated.

use crate::inference::InferenceError;

/// Why effects could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// Lengths disagree.
    #[error("{what} have {found} rows where the scores have {rows}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the scores.
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
    /// Too few of something.
    #[error("{found} {what} are too few; at least {needed} are needed")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A choice that is no arm.
    #[error("arm {arm} is chosen; there are {arms} arms")]
    UnknownArm {
        /// The arm.
        arm: usize,
        /// Number of arms.
        arms: usize,
    },
    /// The scores have no mean.
    #[error("the scores give no estimate")]
    Inference(#[from] InferenceError),
}
