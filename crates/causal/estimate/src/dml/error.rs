//! Why a recipe has no answer.

use crate::argument::ArgumentError;
use crate::crossfit::CrossFitError;
use crate::inference::InferenceError;
use crate::learner::LearnerError;

/// Why a recipe has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DmlError {
    /// An argument cannot be used.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// The nuisances could not be cross-fitted.
    #[error(transparent)]
    CrossFit(#[from] CrossFitError),
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
    /// The basis of the dose could not be formed.
    #[error("the basis of the dose cannot be formed")]
    DoseBasis(#[source] LearnerError),
    /// The scores have no estimate.
    #[error("the scores give no estimate")]
    Inference(#[from] InferenceError),
}

impl DmlError {
    /// Whether the caller asked to stop.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, DmlError::CrossFit(CrossFitError::Interrupted(_)))
    }
}
