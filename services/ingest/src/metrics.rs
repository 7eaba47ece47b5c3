//! What ingest counts.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) events: IntCounter,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) forwarded: IntCounter,
    pub(crate) view_refusals: IntCounterVec,
    pub(crate) lake_rows: IntCounterVec,
    pub(crate) flushed_units: IntCounter,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let one = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let many = |name: &str, help: &str, label: &str| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        Ok(Metrics {
            events: one("ceteris_ingest_events_total", "events taken in")?,
            dead_letters: many("ceteris_ingest_dead_letters_total", "events set aside", "code")?,
            forwarded: one(
                "ceteris_ingest_forwarded_total",
                "events that stood on a wrong partition",
            )?,
            view_refusals: many(
                "ceteris_ingest_view_refusals_total",
                "values a view could not take",
                "code",
            )?,
            lake_rows: many(
                "ceteris_ingest_lake_rows_total",
                "rows committed to the lake",
                "table",
            )?,
            flushed_units: one("ceteris_ingest_flushed_units_total", "unit states written online")?,
        })
    }
}
