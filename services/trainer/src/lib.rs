#![doc = include_str!("../README.md")]

mod among;
mod arms;
mod assemble;
mod covariates;
mod diagnostics;
mod effects;
mod error;
mod fit;
pub mod gate;
mod graph;
mod identification;
mod publish;
mod rows;
pub mod table;
mod train;
mod trained;
mod worker;

pub use error::TrainError;
pub use graph::graph_of;
pub use identification::{Identified, Proven, identify_effects};
pub use publish::{PRODUCTION, SHADOW, publish};
pub use train::train;
pub use trained::{TrainOptions, Trained};
pub use worker::{Config, Deps, serve};
