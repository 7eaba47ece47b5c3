//! The truth that the world tells is the one it lives by.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod effects;
mod least_squares;
mod nuisances;
