//! Ingest over embedded backends and over Apache Kafka.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

mod ingest;
mod kafka;
mod outages;
mod support;
