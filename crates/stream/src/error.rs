//! What can go wrong with a log, and what a worker does about it.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_journal::JournalError;
use thiserror::Error;

use crate::log::RECORD_BYTES_MAX;

/// A failed operation on an event log.
#[derive(Debug, Error)]
pub enum StreamError {
    /// No such topic.
    #[error("there is no topic `{topic}`")]
    UnknownTopic {
        /// The topic asked for.
        topic: String,
    },
    /// A topic or group name outside `[a-zA-Z0-9._-]{1,200}`.
    #[error("`{name}` is no name for a {what}: use 1 to 200 of the characters a-z A-Z 0-9 . _ -")]
    BadName {
        /// `topic` or `group`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The topic exists with another number of partitions, or was asked to have none.
    #[error("topic `{topic}` has {has} partitions, not {wanted}")]
    PartitionCount {
        /// The topic.
        topic: String,
        /// The partitions it has; 0 if it does not exist.
        has: u32,
        /// The partitions asked for.
        wanted: u32,
    },
    /// A partition the topic does not have.
    #[error("topic `{topic}` has no partition {partition}, only 0..{partitions}")]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// A seek, pause, resume or commit for a partition that this member does not hold.
    #[error("partition {partition} of `{topic}` is not assigned to this member")]
    NotAssigned {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// A record over [`RECORD_BYTES_MAX`], or with a field over its own bound; none of the call's records was produced.
    #[error(
        "record {index} of the batch has {bytes} bytes; the limit is {RECORD_BYTES_MAX}, and 65535 for headers and their names"
    )]
    RecordTooLarge {
        /// Which of the records given.
        index: usize,
        /// Its size.
        bytes: usize,
    },
    /// A stored record that is no record, though its checksum is right.
    #[error("offset {offset} of `{topic}` partition {partition} does not hold a record")]
    NotARecord {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset.
        offset: u64,
    },
    /// The journal of a partition refused.
    #[error("the journal of `{topic}` partition {partition} refused")]
    Journal {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The folder of the log cannot be opened.
    #[error("cannot open the log")]
    Open(#[source] JournalError),
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A topic description that cannot be read.
    #[error("{} does not describe a topic of format 1", path.display())]
    BadTopicFile {
        /// The file.
        path: PathBuf,
    },
    /// A position beyond the end of its partition: the log was truncated, or the topic made anew.
    #[error(
        "`{topic}` partition {partition} ends at {end}, before the position {position}: records are missing"
    )]
    BeyondEnd {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where the reading was to go on.
        position: u64,
        /// Where the partition ends.
        end: u64,
    },
    /// A property of the client that the adapter's promises rest on.
    #[error("the Kafka property `{name}` is not free to choose: leave it out")]
    FixedProperty {
        /// The property.
        name: String,
    },
    /// A backend outside this process refused.
    #[error("cannot {operation}")]
    Backend {
        /// What was tried, a verb.
        operation: &'static str,
        /// What to do about it, as the backend's error code says.
        disposition: Disposition,
        /// The backend's answer.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The runtime is shutting down, or a worker thread of the log has panicked.
    #[error("the log is closed")]
    Closed,
}

impl HasDisposition for StreamError {
    fn disposition(&self) -> Disposition {
        match self {
            StreamError::RecordTooLarge { .. } | StreamError::NotARecord { .. } => Disposition::Park,
            StreamError::Io { .. } => Disposition::Retry,
            StreamError::Journal { source, .. } | StreamError::Open(source) => journal_disposition(source),
            StreamError::Backend { disposition, .. } => *disposition,
            StreamError::UnknownTopic { .. }
            | StreamError::BadName { .. }
            | StreamError::PartitionCount { .. }
            | StreamError::UnknownPartition { .. }
            | StreamError::NotAssigned { .. }
            | StreamError::BadTopicFile { .. }
            | StreamError::BeyondEnd { .. }
            | StreamError::FixedProperty { .. }
            | StreamError::Closed => Disposition::Halt,
        }
    }
}

impl StreamError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StreamError {
        let path = path.to_path_buf();
        move |source| StreamError::Io { action, path, source }
    }
}

fn journal_disposition(error: &JournalError) -> Disposition {
    match error {
        // A full disk may be emptied, and another process may end.
        JournalError::Io { .. } | JournalError::Full { .. } | JournalError::Locked { .. } => {
            Disposition::Retry
        }
        JournalError::TooLarge { .. } => Disposition::Park,
        JournalError::Corrupt { .. }
        | JournalError::OffsetOutOfRange { .. }
        | JournalError::Broken { .. }
        | JournalError::ReadOnly { .. }
        | JournalError::BadCursor { .. } => Disposition::Halt,
    }
}
