//! What the tracker counts.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGaugeVec, Opts, Registry};

/// From one round trip to a database that is about to give up.
const BATCH_SECONDS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) decisions: IntCounter,
    pub(crate) repeats: IntCounter,
    pub(crate) dead_letters: IntCounter,
    pub(crate) retries: IntCounter,
    pub(crate) moves: IntCounter,
    pub(crate) lag: IntGaugeVec,
    pub(crate) batch_seconds: Histogram,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let lag = IntGaugeVec::new(
            Opts::new(
                "ceteris_tracker_lag_records",
                "records of a partition that are not in the store yet",
            ),
            &["partition"],
        )?;
        registry.register(Box::new(lag.clone()))?;
        let batch_seconds = Histogram::with_opts(
            HistogramOpts::new(
                "ceteris_tracker_batch_seconds",
                "time to write one batch and move its position",
            )
            .buckets(BATCH_SECONDS.to_vec()),
        )?;
        registry.register(Box::new(batch_seconds.clone()))?;
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
                "records set aside as unreadable or refused by the store",
            )?,
            retries: counter(
                "ceteris_tracker_retries_total",
                "calls of log or store that failed and are tried again",
            )?,
            moves: counter(
                "ceteris_tracker_moves_total",
                "times another writer had moved the position of a partition",
            )?,
            lag,
            batch_seconds,
        })
    }
}
