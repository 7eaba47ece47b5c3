//! What can go wrong in the registry, by operation, and what a caller should do about it.

use std::error::Error;

use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_objects::ObjectError;

/// A failed registry operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// An object of the store, or its name, could not be used.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// There is no such problem.
    #[error("the registry has no problem {problem}")]
    UnknownProblem {
        /// Its name, with the digest that was asked for, if one was.
        problem: String,
    },
    /// A problem's text has faults.
    #[error("the problem {problem} has faults: {}", faults.join("; "))]
    FaultyProblem {
        /// The problem.
        problem: String,
        /// In words.
        faults: Vec<String>,
    },
    /// No such version is published.
    #[error("no version {version} is published")]
    UnknownVersion {
        /// As asked.
        version: String,
    },
    /// The artifact does not hold together, so it is not published.
    #[error("{version} cannot be published: {reason}")]
    Unpublishable {
        /// The version.
        version: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another content is there under the same name.
    #[error("{file} is there with another content: it has digest {found}, not {expected}")]
    ContentDiffers {
        /// The file.
        file: String,
        /// SHA-256 of what was to be written.
        expected: String,
        /// SHA-256 of what is there.
        found: String,
    },
    /// A file's content is not what its digest names.
    #[error("{file} is corrupt: its content has digest {found}, not {expected}")]
    Corrupt {
        /// The file.
        file: String,
        /// The digest it should have.
        expected: String,
        /// The digest it has.
        found: String,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read")]
    Malformed {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The manifest is of a layout that this build does not know.
    #[error("{file} has layout version {found}, this build reads {known}")]
    ManifestVersion {
        /// The file.
        file: String,
        /// Its layout.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The alias was moved by someone else since it was read.
    #[error("{problem}/{alias} is at generation {found}, not {expected}: someone else moved it")]
    AliasMoved {
        /// The problem.
        problem: String,
        /// The alias.
        alias: String,
        /// The generation the mover saw.
        expected: u64,
        /// The generation that stands.
        found: u64,
    },
    /// The version belongs to another problem.
    #[error("{version} is a model of {found}, not of {problem}")]
    OtherProblem {
        /// The version.
        version: String,
        /// The alias's problem.
        problem: String,
        /// The version's problem.
        found: String,
    },
    /// The model's identification is assumed; such a model is never promoted.
    #[error("{version} rests on an assumed identification and is never promoted")]
    Assumed {
        /// The version.
        version: String,
    },
    /// Weights are no shares.
    #[error("the weights of {version} are no shares: each from 0 to 1, together 1")]
    InvalidWeights {
        /// The target's version.
        version: String,
    },
    /// A worker of the blocking pool ended early.
    #[error("a worker ended before its task did")]
    Worker {
        /// Why.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl HasDisposition for RegistryError {
    fn disposition(&self) -> Disposition {
        match self {
            RegistryError::Object(error) => error.disposition(),
            RegistryError::Worker { .. } => Disposition::Retry,
            RegistryError::AliasMoved { .. } => Disposition::Park,
            _ => Disposition::Halt,
        }
    }
}

impl RegistryError {
    pub(crate) fn malformed(file: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        RegistryError::Malformed {
            file: file.to_owned(),
            source: source.into(),
        }
    }
}
