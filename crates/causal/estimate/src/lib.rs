#![doc = include_str!("../README.md")]

pub mod diagnose;
pub mod dml;
pub mod effect;
pub mod evaluate;
pub mod forest;
pub mod inference;
pub mod learner;
pub mod matching;
pub mod sample;
pub mod score;
