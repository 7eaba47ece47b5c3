//! The feature stores in the one conformance suite, and what only one of them has to do.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod conformance;
mod journal;
mod redis;
