//! The problem file: one decision problem, from which everything downstream is derived.

mod model;

pub use model::*;
