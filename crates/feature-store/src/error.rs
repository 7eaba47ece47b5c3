//! What can go wrong with a feature store, and what a caller does about it.

use ceteris_contract::disposition::Disposition;
use ceteris_journal::JournalError;
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
    /// The runtime went away while the change was being written; whether it was written is not known.
    #[error("the write was interrupted")]
    Interrupted,
}

impl StoreError {
    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            StoreError::Journal(JournalError::Io { .. } | JournalError::Full { .. }) => Disposition::Retry,
            _ => Disposition::Halt,
        }
    }
}

fn owned_by(owner: Option<Owner>) -> String {
    owner.map_or_else(|| "not claimed".to_owned(), |owner| format!("owned by {owner:?}"))
}
