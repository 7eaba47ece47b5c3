#![doc = include_str!("../README.md")]

mod distribution;
mod params;

pub use distribution::{Distribution, Draw};
pub use params::{ArmValue, PolicyError, PolicyParams, ValidPolicyParams};
