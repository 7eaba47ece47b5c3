//! What the worker counts.

use ceteris_chassis::worklist::Counts;
use ceteris_lake::{DatasetCard, Training};
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) counts: Counts,
    pub(crate) seconds: Histogram,
    models: IntCounterVec,
    rows: IntGaugeVec,
    as_of: GaugeVec,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counts = Counts {
            pending: IntGauge::new(
                "ceteris_trainer_untrained_datasets",
                "datasets that nothing has become of yet",
            )?,
            retries: IntCounter::new(
                "ceteris_trainer_retries_total",
                "datasets that failed and are tried again",
            )?,
            failures: IntCounterVec::new(
                Opts::new(
                    "ceteris_trainer_failures_total",
                    "datasets recorded with a reason instead of a model",
                ),
                &["problem"],
            )?,
        };
        counts.register(registry)?;
        let metrics = Metrics {
            counts,
            seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "ceteris_trainer_fit_seconds",
                    "from a dataset's rows to its model",
                )
                .buckets(vec![0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]),
            )?,
            models: IntCounterVec::new(
                Opts::new(
                    "ceteris_trainer_models_total",
                    "models trained, by what became of them",
                ),
                &["problem", "outcome"],
            )?,
            rows: IntGaugeVec::new(
                Opts::new(
                    "ceteris_trainer_dataset_rows",
                    "rows of the dataset trained on last",
                ),
                &["problem"],
            )?,
            as_of: GaugeVec::new(
                Opts::new(
                    "ceteris_trainer_as_of_timestamp_seconds",
                    "as_of of the model put into production last",
                ),
                &["problem"],
            )?,
        };
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.models.clone()))?;
        registry.register(Box::new(metrics.rows.clone()))?;
        registry.register(Box::new(metrics.as_of.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn became(&self, card: &DatasetCard, training: &Training) {
        let problem = card.problem.as_str();
        let outcome = match training {
            Training::Trained { promoted: true, .. } => {
                self.as_of
                    .with_label_values(&[problem])
                    .set(card.as_of.0 as f64 / 1e6);
                "promoted"
            }
            Training::Trained { .. } => "shadow",
            Training::Failed { .. } => "failed",
            Training::Superseded { .. } => "superseded",
        };
        self.models.with_label_values(&[problem, outcome]).inc();
        let rows = i64::try_from(card.rows).unwrap_or(i64::MAX);
        self.rows.with_label_values(&[problem]).set(rows);
    }
}
