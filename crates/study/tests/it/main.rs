//! Studies from outside: every method and learner held to numbers on a small table of our own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod close;
mod numbers;
mod questions;
