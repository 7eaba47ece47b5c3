//! What the tracker counts.

use prometheus::{IntCounter, Registry};

pub(crate) struct Metrics {
    pub(crate) decisions: IntCounter,
    pub(crate) repeats: IntCounter,
    pub(crate) dead_letters: IntCounter,
    pub(crate) retries: IntCounter,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        Ok(Metrics {
            decisions: counter(
                "ceteris_tracker_decisions_total",
                "decisions stored for the first time",
            )?,
            repeats: counter(
                "ceteris_tracker_repeats_total",
                "records whose decision was stored before",
            )?,
            dead_letters: counter(
                "ceteris_tracker_dead_letters_total",
                "records set aside as unreadable",
            )?,
            retries: counter(
                "ceteris_tracker_retries_total",
                "writes tried again after a passing fault",
            )?,
        })
    }
}
