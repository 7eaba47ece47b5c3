#![doc = include_str!("../README.md")]

pub mod diagnose;
pub mod dml;
pub mod effect;
pub mod evaluate;
pub mod forest;
pub mod graph;
pub mod identify;
pub mod inference;
pub mod learner;
mod linalg;
pub mod matching;
pub mod policy;
pub mod sample;
pub mod score;
