//! What ingest counts.

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) events: IntCounter,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) forwarded: IntCounter,
    pub(crate) view_refusals: IntCounterVec,
    pub(crate) lake_rows: IntCounterVec,
    pub(crate) lake_commits: IntCounterVec,
    pub(crate) flushed_units: IntCounter,
    pub(crate) rebuilds: IntCounter,
    pub(crate) retries: IntCounterVec,
    pub(crate) lag: IntGaugeVec,
    pub(crate) files_merged: IntCounter,
}

impl Metrics {
    /// Notes a record that cannot be read, so it cannot be kept either.
    pub(crate) fn pass_over(&self, topic: &str, partition: u32, detail: &str) {
        self.dead_letters.with_label_values(&["not_a_record"]).inc();
        tracing::error!(topic, partition, error = detail, "a record is passed over");
    }

    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let one = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let many = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let lag = IntGaugeVec::new(
            Opts::new(
                "ceteris_ingest_lag_records",
                "records between the end of a partition and what every place holds durably",
            ),
            &["topic", "partition"],
        )?;
        registry.register(Box::new(lag.clone()))?;
        Ok(Metrics {
            events: one("ceteris_ingest_events_total", "events taken in")?,
            dead_letters: many("ceteris_ingest_dead_letters_total", "events set aside", &["code"])?,
            forwarded: one(
                "ceteris_ingest_forwarded_total",
                "events that stood on a wrong partition",
            )?,
            view_refusals: many(
                "ceteris_ingest_view_refusals_total",
                "values a view could not take",
                &["code"],
            )?,
            lake_rows: many(
                "ceteris_ingest_lake_rows_total",
                "rows committed to the lake",
                &["table"],
            )?,
            lake_commits: many(
                "ceteris_ingest_lake_commits_total",
                "commits to the lake",
                &["table"],
            )?,
            flushed_units: one("ceteris_ingest_flushed_units_total", "unit states written online")?,
            rebuilds: one(
                "ceteris_ingest_rebuilds_total",
                "feature partitions rebuilt from the lake",
            )?,
            retries: many(
                "ceteris_ingest_retries_total",
                "calls that failed and were tried again",
                &["place", "code"],
            )?,
            lag,
            files_merged: one(
                "ceteris_ingest_lake_files_merged_total",
                "small files of the lake merged into larger ones",
            )?,
        })
    }
}
