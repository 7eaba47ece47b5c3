//! Why no model came of a dataset.

use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_estimate::dml::DmlError;
use ceteris_estimate::effect::ProjectionError;
use ceteris_estimate::inference::InferenceError;
use ceteris_estimate::learner::DesignError;
use ceteris_graph::GraphError;
use ceteris_graph::identify::IdentifyError;

use crate::gate::GateFault;

/// Why no model came of a dataset.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The data are not fit to train on.
    #[error("the dataset does not pass the quality gate: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Gate {
        /// Every fault, each naming column and fix.
        faults: Vec<GateFault>,
    },
    /// Nothing the problem asks for is identified per unit.
    #[error("the graph identifies no effect per unit: {}", reasons.join("; "))]
    NothingIdentified {
        /// Treatment, outcome and reason of each.
        reasons: Vec<String>,
    },
    /// The dataset lacks a column of the problem.
    #[error("the dataset has no column {column}; make it from this problem")]
    MissingColumn {
        /// The column.
        column: String,
    },
    /// A column has numbers where categories are meant, or the other way round.
    #[error("column {column} is not of the kind its view says; make the dataset from this problem")]
    ColumnKind {
        /// The column.
        column: String,
    },
    /// A treatment column holds what is no arm.
    #[error("column {column}, row {row}: {arm} is no arm of the problem")]
    UnknownArm {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// What it holds.
        arm: String,
    },
    /// The graph cannot be built.
    #[error("the problem's graph cannot be built")]
    Graph(#[from] GraphError),
    /// Identification was asked what the graph does not have.
    #[error("identification failed")]
    Identify(#[from] IdentifyError),
    /// The design is not valid.
    #[error("the covariates make no design")]
    Design(#[from] DesignError),
    /// The effect basis cannot be fitted.
    #[error("the effect basis cannot be fitted")]
    Basis(#[source] ProjectionError),
    /// Cross-fitting failed.
    #[error("the scores of treatment {treatment} cannot be fitted")]
    Scores {
        /// The treatment.
        treatment: String,
        /// The cause.
        #[source]
        source: DmlError,
    },
    /// Cross-fitting failed before it was known for which treatment.
    #[error("the scores cannot be fitted")]
    Dml(#[from] DmlError),
    /// The projection failed.
    #[error("the scores cannot be projected on the effect basis")]
    Projection(#[from] ProjectionError),
    /// Inference failed.
    #[error("a standard error cannot be computed")]
    Inference(#[from] InferenceError),
}

impl HasDisposition for TrainError {
    /// The same rows come to the same end.
    fn disposition(&self) -> Disposition {
        Disposition::Park
    }
}
