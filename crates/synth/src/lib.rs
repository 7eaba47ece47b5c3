#![doc = include_str!("../README.md")]

pub mod ecommerce;
mod error;
pub mod processes;
mod random;

pub use error::SynthError;
