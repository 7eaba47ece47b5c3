#![doc = include_str!("../README.md")]

pub mod backoff;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod health;
pub mod object_storage;
pub mod ops;
pub mod pool;
pub mod service;
pub mod start;
pub mod telemetry;
pub mod worklist;

pub use tokio_util::sync::CancellationToken as Shutdown;
