#![doc = include_str!("../README.md")]

#[cfg(feature = "conformance")]
pub mod conformance;
mod port;
mod sqlite;

pub use port::{Appended, Batch, DecisionStore, Disposition, StoreError};
pub use sqlite::SqliteStore;
