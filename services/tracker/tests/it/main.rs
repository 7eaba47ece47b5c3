//! The tracker over embedded backends and over PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod postgres;
mod support;
mod tracker;
