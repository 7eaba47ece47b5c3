#![doc = include_str!("../README.md")]

pub mod ecommerce;
mod error;
mod random;

pub use error::SynthError;
