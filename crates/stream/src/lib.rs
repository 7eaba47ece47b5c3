#![doc = include_str!("../README.md")]
//!
//! Left out: what a payload means, schemas, transactions across topics.

#[cfg(feature = "conformance")]
pub mod conformance;
mod dead_letter;
mod embedded;
mod error;
#[cfg(feature = "kafka")]
mod kafka;
mod log;
mod name;
mod record;

pub use ceteris_contract::disposition::{Disposition, HasDisposition};
pub use ceteris_contract::murmur2::partition_of;
pub use ceteris_journal::SyncMode;
pub use dead_letter::{dead_letter, dead_letter_topic};
pub use embedded::{EmbeddedLog, EmbeddedOptions};
pub use error::StreamError;
#[cfg(feature = "kafka")]
pub use kafka::{KafkaLog, KafkaOptions};
pub use log::{Clock, EventLog, Message, RECORD_BYTES_MAX, Subscription};
pub use record::{ConsumedRecord, NewRecord};
