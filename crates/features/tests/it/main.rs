//! The feature engine beside hand-made numbers and an oracle.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod by_hand;
mod common;
mod laws;
