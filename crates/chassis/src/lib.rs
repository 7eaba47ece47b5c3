#![doc = include_str!("../README.md")]

pub mod clock;
pub mod metrics;
pub mod pool;
pub mod telemetry;

pub use tokio_util::sync::CancellationToken as Shutdown;
