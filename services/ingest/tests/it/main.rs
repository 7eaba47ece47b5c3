//! Ingest over embedded backends and over Apache Kafka.

mod ingest;
mod kafka;
mod outages;
mod support;
