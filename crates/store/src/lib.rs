#![doc = include_str!("../README.md")]

#[cfg(feature = "conformance")]
pub mod conformance;
mod port;
mod sqlite;

pub use ceteris_contract::disposition::Disposition;
pub use port::{Appended, Batch, DecisionStore, StoreError};
pub use sqlite::SqliteStore;
