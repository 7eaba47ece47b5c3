//! Both logs, embedded and Kafka, in the one conformance suite, and what only one of them has to do.

mod conformance;
mod embedded;
mod kafka;
mod kafka_faults;
