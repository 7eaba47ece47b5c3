//! What can go wrong in the lake, by operation, and what a caller should do about it.

use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_objects::ObjectError;

/// A failed lake operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// An object of the store, or its name, could not be used.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A dataset's file cannot be written or read.
    #[error("cannot use the folder {path}")]
    Folder {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The number of buckets is no power of two up to 4096.
    #[error("{buckets} buckets: give a power of two from 1 to 4096")]
    InvalidBuckets {
        /// As asked.
        buckets: u16,
    },
    /// The lake was created with another number of buckets.
    #[error("the lake has {found} buckets, not {asked}; the number is fixed at creation")]
    BucketsMismatch {
        /// As asked.
        asked: u16,
        /// As created.
        found: u16,
    },
    /// There is no table at this place.
    #[error("no lake table at {path}")]
    NoTable {
        /// The table's folder.
        path: String,
    },
    /// The table is a Delta table, but not one of ours.
    #[error("the table at {path} is not a lake table: {detail}")]
    ForeignTable {
        /// The table's folder.
        path: String,
        /// What is missing.
        detail: String,
    },
    /// The table needs a newer reader or writer.
    #[error("the table needs Delta reader {reader} and writer {writer}, this build knows 1 and 2")]
    Protocol {
        /// Needed reader version.
        reader: i32,
        /// Needed writer version.
        writer: i32,
    },
    /// No such version: not yet, or no longer.
    #[error("the table has no version {version}")]
    NoVersion {
        /// As asked.
        version: u64,
    },
    /// A log file cannot be read.
    #[error("the log file {path} is malformed")]
    MalformedLog {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another writer has moved a topic-partition that this one took for its own.
    #[error(
        "{topic}/{partition} stands at {found:?}, this writer left it at {expected:?}: another writer owns it"
    )]
    Fenced {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where this writer left it; none: nowhere.
        expected: Option<u64>,
        /// Where the table has it; none: nowhere.
        found: Option<u64>,
    },
    /// An append would move an offset back.
    #[error("{topic}/{partition} would move back from {from} to {to}")]
    OffsetMovesBack {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where it stands.
        from: u64,
        /// Where the append would put it.
        to: u64,
    },
    /// Rows without offsets could land twice.
    #[error("an append of rows names the offsets it moves")]
    NoOffsets,
    /// Other writers won every attempt.
    #[error("the commit lost {attempts} races in a row")]
    Contended {
        /// Attempts made.
        attempts: u32,
    },
    /// A file that a compaction was to replace has been replaced already.
    #[error("{path} has been replaced already")]
    Superseded {
        /// The file.
        path: String,
    },
    /// Rows cannot be encoded.
    #[error("cannot encode {what}")]
    Encode {
        /// What was encoded.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A Parquet file cannot be read.
    #[error("cannot read the Parquet file {path}")]
    MalformedFile {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A dataset's rows are not those its digest names.
    #[error("the dataset {path} is corrupt: its rows have digest {found}, it says {expected}")]
    CorruptDataset {
        /// The file.
        path: String,
        /// The digest it carries.
        expected: String,
        /// The digest of its rows.
        found: String,
    },
    /// A worker of the blocking pool ended early.
    #[error("a worker ended before its task did")]
    Worker {
        /// Why.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl HasDisposition for LakeError {
    fn disposition(&self) -> Disposition {
        match self {
            LakeError::Object(error) => error.disposition(),
            LakeError::Contended { .. } | LakeError::Worker { .. } => Disposition::Retry,
            LakeError::Fenced { .. } | LakeError::Superseded { .. } => Disposition::Park,
            _ => Disposition::Halt,
        }
    }
}

impl LakeError {
    pub(crate) fn encode(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        LakeError::Encode {
            what,
            source: source.into(),
        }
    }

    pub(crate) fn file(path: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        LakeError::MalformedFile {
            path: path.to_owned(),
            source: source.into(),
        }
    }
}
