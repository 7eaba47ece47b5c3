#![doc = include_str!("../README.md")]

mod folder;
mod house;
mod learn;
mod ports;
mod scratch;
mod serve;
mod waiting;

#[cfg(feature = "fleet")]
pub mod fleet;

pub use ceteris_etl::Made;
pub use ceteris_trainer::{TrainOptions, Trained};

pub use crate::folder::{DataFolder, Origin, Settings, simulated_secret};
pub use crate::house::{Addresses, House, decision_api};
pub use crate::ports::Ports;
pub use crate::scratch::Scratch;
pub use crate::serve::{any_port, loopback_only};
pub use crate::waiting::waiting;
