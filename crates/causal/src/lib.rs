#![doc = include_str!("../README.md")]
#![doc = include_str!("../METHOD.md")]

pub mod compatible;

pub use ceteris_effect as effect;
pub use ceteris_estimate as estimate;
pub use ceteris_graph as graph;
pub use ceteris_policy as policy;
pub use ceteris_stats as stats;
