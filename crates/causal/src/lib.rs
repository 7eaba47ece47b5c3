#![doc = include_str!("../README.md")]

mod compatible;
pub mod diagnose;
pub mod dml;
pub mod effect;
pub mod evaluate;
pub mod forest;
pub mod inference;
pub mod learner;
mod linalg;
pub mod matching;
pub mod policy;
pub mod sample;
pub mod score;

pub use ceteris_graph as graph;

/// Identification, and tests of a graph against data.
pub mod identify {
    pub use crate::compatible::{
        Compatibility, CompatibilityError, CompatibilityParams, IndependenceTest, Observations,
        TestedIndependence, UntestedIndependence, compatibility,
    };
    pub use ceteris_graph::identify::*;
}
