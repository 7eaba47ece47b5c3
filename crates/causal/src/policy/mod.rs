//! From effects to an action distribution, and the arm drawn from it.
//!
//! The distribution comes first: greedy choice, exploration, holdout, floors and constraints are all in it before an
//! arm is drawn, so that the logged probability is the true one. What effects, costs and constraints are is the
//! caller's affair.

mod distribution;
mod params;

pub use distribution::{Distribution, Draw};
pub use params::{ArmValue, PolicyError, PolicyParams, ValidPolicyParams};
