//! Ingest over embedded backends and over Apache Kafka.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod ingest;
mod kafka;
mod outages;
mod support;
