//! Why a question has no answer.

use ceteris_estimate::dml::DmlError;
use ceteris_estimate::effect::learners::EffectError;
use ceteris_estimate::evaluate::EvaluateError;
use ceteris_estimate::inference::InferenceError;
use ceteris_estimate::matching::MatchingError;
use ceteris_model::effect::EffectPartsError;
use ceteris_table::TableFault;

/// Why a question has no answer. All of it is about the question or the table, and for whoever asks to mend.
///
/// Messages name the fields of a question as the command line spells them: `--learner-outcome` is `learner_outcome`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The question contradicts itself, lies outside its range, does not fit the table, or its claim is not proved by
    /// the graph.
    #[error("{0}")]
    Question(String),
    /// The table has no rows.
    #[error("has no rows")]
    NoRows,
    /// A column or cell cannot be used.
    #[error(transparent)]
    Table(#[from] TableFault),
    /// No column of the table measures a node of the graph.
    #[error("no column of numbers measures a node; the file has: {}", columns.join(", "))]
    NothingMeasured {
        /// The table's columns.
        columns: Vec<String>,
    },
    /// The estimator refuses the data, or was stopped.
    #[error(transparent)]
    Fit(#[from] DmlError),
    /// Matching refuses the data.
    #[error(transparent)]
    Matching(#[from] MatchingError),
    /// The learner of effects refuses the data, or was stopped.
    #[error(transparent)]
    Effects(#[from] EffectError),
    /// Effects cannot be judged by these data.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// A standard error cannot be computed.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The fitted model has no parts to be kept by.
    #[error(transparent)]
    Parts(#[from] EffectPartsError),
}

/// The question is at fault.
pub(crate) fn question(sentence: impl Into<String>) -> StudyError {
    StudyError::Question(sentence.into())
}
