//! Journals and spools: what is acknowledged survives, whatever is torn.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod journal;
mod spool;
mod torn;
