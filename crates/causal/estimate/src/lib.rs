#![doc = include_str!("../README.md")]

mod argument;
mod crossfit;
pub mod diagnose;
pub mod dml;
pub mod effect;
pub mod evaluate;
pub mod forest;
pub mod inference;
pub mod learner;
pub mod matching;
mod progress;
pub mod sample;
pub mod score;

pub use argument::ArgumentError;
pub use crossfit::{CrossFitError, FlagCount, PropensitySource};
pub use progress::{Interrupted, Progress, Watch, unwatched};
pub use sample::{ArmSample, Arms, ForestSample, Sample, Treatment};
