//! The ETL beside hand-made numbers and an oracle, and its hand-over to the trainer.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod by_hand;
mod common;
mod handover;
mod logged;
mod oracle;
