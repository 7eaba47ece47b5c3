#![doc = include_str!("../README.md")]

mod among;
mod arms;
mod assemble;
mod covariates;
mod diagnostics;
mod effects;
mod fit;
pub mod gate;
mod graph;
mod identification;
mod publish;
pub mod table;
mod train;
mod worker;

pub use graph::graph_of;
pub use identification::{Identified, Proven, identify_effects};
pub use publish::{PRODUCTION, SHADOW, publish};
pub use train::{TrainError, TrainOptions, Trained, train};
pub use worker::{Config, Deps, serve};
