//! What the worker counts.

use ceteris_chassis::worklist::Counts;
use ceteris_contract::time::Timestamp;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) counts: Counts,
    pub(crate) behind: IntGauge,
    datasets: IntCounterVec,
    rows: IntGaugeVec,
    as_of: GaugeVec,
    seconds: Histogram,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counts = Counts {
            pending: IntGauge::new("ceteris_etl_pending_requests", "requests without an answer")?,
            retries: IntCounter::new(
                "ceteris_etl_retries_total",
                "steps that failed and are tried again",
            )?,
            failures: IntCounterVec::new(
                Opts::new(
                    "ceteris_etl_failures_total",
                    "requests answered with a reason instead of a dataset",
                ),
                &["problem"],
            )?,
        };
        counts.register(registry)?;
        let metrics = Metrics {
            counts,
            behind: IntGauge::new(
                "ceteris_etl_lake_behind_records",
                "records that the lake lacked for the request looked at last",
            )?,
            datasets: IntCounterVec::new(
                Opts::new("ceteris_etl_datasets_total", "datasets made"),
                &["problem"],
            )?,
            rows: IntGaugeVec::new(
                Opts::new("ceteris_etl_dataset_rows", "rows of the dataset made last"),
                &["problem"],
            )?,
            as_of: GaugeVec::new(
                Opts::new(
                    "ceteris_etl_as_of_timestamp_seconds",
                    "as_of of the dataset made last",
                ),
                &["problem"],
            )?,
            seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "ceteris_etl_run_seconds",
                    "from pinned versions to the dataset kept",
                )
                .buckets(vec![0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]),
            )?,
        };
        registry.register(Box::new(metrics.behind.clone()))?;
        registry.register(Box::new(metrics.datasets.clone()))?;
        registry.register(Box::new(metrics.rows.clone()))?;
        registry.register(Box::new(metrics.as_of.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn made(&self, problem: &str, rows: u64, as_of: Timestamp, seconds: f64) {
        self.datasets.with_label_values(&[problem]).inc();
        self.rows
            .with_label_values(&[problem])
            .set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.as_of.with_label_values(&[problem]).set(as_of.0 as f64 / 1e6);
        self.seconds.observe(seconds);
    }
}
