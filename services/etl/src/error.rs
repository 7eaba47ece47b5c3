//! Why a dataset could not be made.

use std::path::PathBuf;

use ceteris_features::CompileError;
use ceteris_lake::{Disposition, HasDisposition, LakeError};
use thiserror::Error;

/// A failed ETL run.
#[derive(Debug, Error)]
pub enum EtlError {
    /// The problem's rows come from a table.
    #[error("the problem `{problem}` reads a table, so it has no dataset of events")]
    NotFromEvents {
        /// The problem.
        problem: String,
    },
    /// A view or an outcome cannot be evaluated.
    #[error("the problem's views do not compile")]
    Views(#[from] CompileError),
    /// A treatment cannot be told from events.
    #[error("treatment `{treatment}`: {fault}")]
    Treatment {
        /// Its name.
        treatment: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The watermarks are no power of two many.
    #[error("{count} watermarks: give one for each partition, a power of two up to 4096")]
    Watermarks {
        /// How many were given.
        count: usize,
    },
    /// The lake answered with an error.
    #[error("the lake cannot be read")]
    Lake(#[from] LakeError),
    /// An event's properties are no JSON object.
    #[error("the event `{event_id}` in the lake cannot be read")]
    Event {
        /// Which.
        event_id: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A decision's record is none that this build knows.
    #[error("the decision `{decision_id}` in the lake cannot be read")]
    Decision {
        /// Which.
        decision_id: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A finished bucket cannot be kept.
    #[error("cannot {action} {}", path.display())]
    WorkFile {
        /// What was tried, a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The parts are not those of the plan: one of every bucket.
    #[error("the parts given are not the plan's {buckets} buckets")]
    Parts {
        /// How many the plan has.
        buckets: u16,
    },
    /// A task on the pool panicked.
    #[error("a task of the ETL panicked")]
    Panicked,
}

impl HasDisposition for EtlError {
    fn disposition(&self) -> Disposition {
        match self {
            EtlError::Lake(error) => error.disposition(),
            EtlError::WorkFile { .. } => Disposition::Retry,
            _ => Disposition::Halt,
        }
    }
}
