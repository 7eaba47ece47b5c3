#![doc = include_str!("../README.md")]
//!
//! Left out: what a record means, replication, compaction by key, any async runtime.

mod appended;
mod cursor;
mod error;
mod frame;
mod frames;
mod journal;
mod lock;
mod reader;
mod segment;
mod spool;
mod view;

pub use appended::Appended;
pub use cursor::{CursorFile, replace_file};
pub use error::{JournalError, SpoolError};
pub use frame::{BATCH_BYTES_MAX, Batch};
pub use journal::{Cut, Journal, Options, SyncMode};
pub use lock::FolderLock;
pub use reader::{Entry, Reader};
pub use spool::{SpoolOptions, SpoolWriter};
pub use view::JournalView;
