#![doc = include_str!("../README.md")]
//!
//! Left out: what a blob means (`ceteris-features`), who flushes when (ingest), what a decision does without features.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod journal_store;
mod memory;
mod port;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod slots;

#[cfg(feature = "redis")]
pub use self::redis::{RedisOptions, RedisStore};
pub use ceteris_contract::disposition::{Disposition, HasDisposition};
pub use error::StoreError;
pub use journal_store::{JournalStore, Options};
pub use memory::MemoryStore;
pub use port::{FeatureStore, Marker, Owner, Read, Slot, Unknown, Write};
