#![doc = include_str!("../README.md")]

mod aside;
mod consumer;
mod lag;
mod partitions;
mod sink;

pub use aside::Aside;
pub use consumer::{Measures, Source, consume};
pub use sink::Sink;
