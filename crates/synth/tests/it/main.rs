//! The simulated shop keeps its promises, and so do the named processes.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod deliveries;
mod features_engine;
mod processes;
mod truth;
mod world;
