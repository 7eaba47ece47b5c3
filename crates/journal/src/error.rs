//! What can go wrong with a journal and with the spool before it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// A failed operation on a journal or one of its files.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another writer, usually another process, has the folder.
    #[error("{} is in use by {holder}; one process at a time may write there", folder.display())]
    Locked {
        /// The folder that is locked.
        folder: PathBuf,
        /// Who holds it, as far as the lock file tells: `process 4711`.
        holder: String,
    },
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
    /// Bytes that were once written whole no longer match their checksum, or are missing.
    #[error("{} is damaged at byte {position}, where offset {offset} should be", file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where in the file the damaged batch begins.
        position: u64,
        /// The offset of the record that should lie there.
        offset: u64,
    },
    /// The append would take the journal over its bound.
    #[error("{} is full: {used_bytes} of {limit_bytes} bytes used, {wanted_bytes} more wanted", folder.display())]
    Full {
        /// The journal's folder.
        folder: PathBuf,
        /// Bytes in its segments now.
        used_bytes: u64,
        /// The bound.
        limit_bytes: u64,
        /// Bytes that the refused batch would take.
        wanted_bytes: u64,
    },
    /// A batch over [`BATCH_BYTES_MAX`](crate::BATCH_BYTES_MAX).
    #[error("a batch of {bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// Size of the batch.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// A reader asked for an offset that retention has dropped, or that was never written.
    #[error("offset {wanted} is not among {first}..{end} of {}", folder.display())]
    OffsetOutOfRange {
        /// The journal's folder.
        folder: PathBuf,
        /// The offset asked for.
        wanted: u64,
        /// The first offset still there.
        first: u64,
        /// The offset after the last.
        end: u64,
    },
    /// An earlier write failed in a way that leaves the file's end unknown; open the journal again.
    #[error("{} was left in an unknown state by a failed write; open it again", folder.display())]
    Broken {
        /// The journal's folder.
        folder: PathBuf,
    },
    /// A change asked of a view that [`Journal::peek`](crate::Journal::peek) gave.
    #[error("{} is only looked at here, beside its writer", folder.display())]
    ReadOnly {
        /// The journal's folder.
        folder: PathBuf,
    },
    /// A cursor file whose content is not a cursor.
    #[error("{} holds no cursor: `{content}`", file.display())]
    BadCursor {
        /// The file.
        file: PathBuf,
        /// What it holds, shortened.
        content: String,
    },
}

impl JournalError {
    /// Wraps an I/O error with what was tried and where.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_path_buf();
        move |source| JournalError::Io { action, path, source }
    }
}

/// Why a record did not reach the journal through a spool. Cheap to clone: a group shares one cause.
#[derive(Debug, Clone, Error)]
pub enum SpoolError {
    /// More appends wait than the spool allows; shed load.
    #[error("{waiting_records} records ({waiting_bytes} bytes) already wait for the spool")]
    Overloaded {
        /// Records that wait.
        waiting_records: usize,
        /// Their bytes.
        waiting_bytes: usize,
    },
    /// The spool is closed or its thread has ended. The record was not written, unless it was already being written.
    #[error("the spool is closed")]
    Closed,
    /// The journal refused the group this record was in.
    #[error("the spool cannot write")]
    Journal(#[source] Arc<JournalError>),
}

impl SpoolError {
    /// Whether the journal is at its bound: callers answer 503 and `Retry-After`.
    pub fn is_full(&self) -> bool {
        matches!(self, SpoolError::Journal(cause) if matches!(**cause, JournalError::Full { .. }))
    }
}
