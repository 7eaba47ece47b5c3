#![doc = include_str!("../README.md")]
//!
//! Left out: training, joining outcomes, the metrics listener, a command line.

pub mod app;
pub mod cached;
pub mod catalog;
pub mod config;
pub mod decide;
pub mod gather;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod journal;
pub mod keys;
pub mod loader;
pub mod metrics;
pub mod refusal;
pub mod reply;
pub mod request;
mod run;
pub mod served;
pub mod stored;

/// The effect cache of a service that computes every effect, the default.
pub use ceteris_effect_cache::NoCache;
pub use run::{Deps, Server, assemble, run};
