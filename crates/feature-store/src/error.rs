//! What can go wrong with a feature store, and what a caller does about it.

use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_journal::JournalError;
#[cfg(feature = "redis")]
use ceteris_redis_link::LinkError;
use thiserror::Error;

use crate::port::Owner;

/// A failed operation.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another owner has claimed the slot since, or nobody has.
    #[error("the slot is {}, not by {asked:?}", owned_by(*.owner))]
    Fenced {
        /// Who owns it.
        owner: Option<Owner>,
        /// Who wanted to write.
        asked: Owner,
    },
    /// A marker never moves back; a rebuild begins with a reset.
    #[error("the marker stands at offset {marker}, it cannot move back to {asked}")]
    MovedBack {
        /// Where it stands.
        marker: u64,
        /// Where it was to go.
        asked: u64,
    },
    /// The number of partitions is no power of two up to 4 096.
    #[error("{partitions} partitions: use a power of two up to 4096")]
    Partitions {
        /// The number given.
        partitions: u16,
    },
    /// The folder was made for another number of partitions.
    #[error(
        "the store was made for {stored} partitions and cannot be opened for {asked}; rebuild it in an empty folder"
    )]
    PartitionsChanged {
        /// The number it was made for.
        stored: u16,
        /// The number asked for.
        asked: u16,
    },
    /// A record that this build cannot read.
    #[error(
        "record {offset} of the feature journal cannot be read by this build; rebuild it in an empty folder"
    )]
    Unreadable {
        /// Its offset.
        offset: u64,
    },
    /// The journal failed.
    #[error("the feature journal failed")]
    Journal(#[from] JournalError),
    /// Redis failed, was too slow, or is not one to keep features in.
    #[cfg(feature = "redis")]
    #[error("the features' redis failed")]
    Redis(#[from] LinkError),
    /// Braces decide where a cluster keeps a key; they are not for prefixes.
    #[error("the prefix {prefix} has braces; leave them out")]
    Prefix {
        /// The prefix given.
        prefix: String,
    },
    /// A marker that this build cannot read.
    #[error("the marker `{marker}` cannot be read by this build; rebuild the features in an empty redis")]
    MarkerUnreadable {
        /// As it was found.
        marker: String,
    },
    /// The backend lost writes that it had acknowledged, or another process flushes as the same owner.
    #[error(
        "the slot stands at flush {found} where flush {acknowledged} was acknowledged: writes were lost; claim it anew \
         and go on from its marker"
    )]
    Diverged {
        /// The last flush that was acknowledged.
        acknowledged: u64,
        /// Where the slot stands.
        found: u64,
    },
    /// One flush is one script, so it is bounded.
    #[error(
        "a flush of {writes} units up to offset {next_offset}; at most {writes_max} units and offsets up to 2^53: flush \
         more often"
    )]
    FlushTooLarge {
        /// Units of the flush.
        writes: usize,
        /// Their bound.
        writes_max: usize,
        /// The offset it was to move the marker to.
        next_offset: u64,
    },
    /// The runtime went away while the change was being written; whether it was written is not known.
    #[error("the write was interrupted")]
    Interrupted,
}

impl HasDisposition for StoreError {
    fn disposition(&self) -> Disposition {
        match self {
            StoreError::Journal(JournalError::Io { .. } | JournalError::Full { .. }) => Disposition::Retry,
            #[cfg(feature = "redis")]
            StoreError::Redis(error) => match error {
                LinkError::Address(_) | LinkError::Refused(_) => Disposition::Halt,
                _ => Disposition::Retry,
            },
            _ => Disposition::Halt,
        }
    }
}

fn owned_by(owner: Option<Owner>) -> String {
    owner.map_or_else(|| "not claimed".to_owned(), |owner| format!("owned by {owner:?}"))
}
