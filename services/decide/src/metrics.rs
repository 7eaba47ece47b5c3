//! What the service counts. Names are part of the contract: `ceteris_decide_*`, and the few that name what is estimated
//! (`cate_*`, `causal_*`). Labels are bounded: problems, arms, outcomes and codes.

use std::time::Duration;

use anyhow::{Context, Result};
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, exponential_buckets,
};

/// The service's metrics. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// `cate_prediction_duration_seconds`: features in, effects of every candidate out.
    pub prediction_seconds: Histogram,
    /// `cate_confidence_interval_width{problem,outcome}`: of the primary outcome's intervals.
    pub interval_width: HistogramVec,
    /// `causal_ate_estimate{problem,treatment,outcome}`: the served model's average effects, by arm.
    pub ate: GaugeVec,
    /// `ceteris_decide_decisions_total{problem,reason}`.
    pub decisions: IntCounterVec,
    /// `ceteris_decide_degraded_total{problem,reason}`.
    pub degraded: IntCounterVec,
    /// `ceteris_decide_http_requests_total{method,path,status}`.
    pub requests: IntCounterVec,
    /// `ceteris_decide_http_request_duration_seconds{method,path}`.
    pub request_seconds: HistogramVec,
    /// `ceteris_decide_journal_bytes`.
    pub journal_bytes: IntGauge,
    /// `ceteris_decide_journal_bytes_max`.
    pub journal_bytes_max: IntGauge,
    /// `ceteris_decide_journal_waiting_decisions`: journaled, not yet in the topic.
    pub journal_waiting: IntGauge,
    /// `ceteris_decide_journal_appended_bytes_total`.
    pub journal_appended_bytes: IntCounter,
    /// `ceteris_decide_journal_hours_left`: until the journal is full at the present rate, should the topic take
    /// nothing more.
    pub journal_hours_left: Gauge,
    /// `ceteris_decide_forwarded_decisions_total`.
    pub forwarded: IntCounter,
    /// `ceteris_decide_forward_failures_total`.
    pub forward_failures: IntCounter,
    /// `ceteris_decide_models_refused_total{problem}`.
    pub models_refused: IntCounterVec,
    /// `ceteris_decide_feature_reads_total{result}`: found, absent, unreadable, timeout, or why nothing is known.
    pub feature_reads: IntCounterVec,
    /// `ceteris_decide_effect_cache_lookups_total{result}`: hit, miss, wrong, failed.
    pub effect_cache_lookups: IntCounterVec,
    /// `ceteris_decide_effect_cache_puts_total{result}`, in requests: kept, failed, dropped.
    pub effect_cache_puts: IntCounterVec,
    /// `ceteris_decide_effect_cache_breaker_open`: 1 while lookups fail at once.
    pub effect_cache_breaker: IntGauge,
}

impl Metrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// A name that is registered already.
    pub fn register(registry: &Registry) -> Result<Self> {
        let seconds = exponential_buckets(0.000_05, 2.0, 16).context("buckets")?;
        let fine = exponential_buckets(0.000_001, 2.0, 16).context("buckets")?;
        let widths = exponential_buckets(0.001, 2.0, 20).context("buckets")?;
        let histogram = |name: &str, help: &str, buckets: &[f64], labels: &[&str]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)
        };
        let counters =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Metrics {
            prediction_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "cate_prediction_duration_seconds",
                    "Time to evaluate the effects of every candidate of one request",
                )
                .buckets(fine),
            )?,
            interval_width: histogram(
                "cate_confidence_interval_width",
                "Width of the unit effects' intervals on the primary outcome",
                &widths,
                &["problem", "outcome"],
            )?,
            ate: GaugeVec::new(
                Opts::new(
                    "causal_ate_estimate",
                    "Average effect of the served model, by arm and outcome",
                ),
                &["problem", "treatment", "outcome"],
            )?,
            decisions: counters(
                "ceteris_decide_decisions_total",
                "Decisions answered, by reason",
                &["problem", "reason"],
            )?,
            degraded: counters(
                "ceteris_decide_degraded_total",
                "Degraded decisions, by reason",
                &["problem", "reason"],
            )?,
            requests: counters(
                "ceteris_decide_http_requests_total",
                "Requests answered",
                &["method", "path", "status"],
            )?,
            request_seconds: histogram(
                "ceteris_decide_http_request_duration_seconds",
                "Time from the request's head to the reply",
                &seconds,
                &["method", "path"],
            )?,
            journal_bytes: IntGauge::new("ceteris_decide_journal_bytes", "Bytes of the decision journal")?,
            journal_bytes_max: IntGauge::new(
                "ceteris_decide_journal_bytes_max",
                "Bound of the decision journal in bytes",
            )?,
            journal_waiting: IntGauge::new(
                "ceteris_decide_journal_waiting_decisions",
                "Decisions journaled that the topic has not taken yet",
            )?,
            journal_appended_bytes: IntCounter::new(
                "ceteris_decide_journal_appended_bytes_total",
                "Bytes appended to the decision journal",
            )?,
            journal_hours_left: Gauge::new(
                "ceteris_decide_journal_hours_left",
                "Hours until the decision journal is full at the present rate, should the topic take nothing more",
            )?,
            forwarded: IntCounter::new(
                "ceteris_decide_forwarded_decisions_total",
                "Decisions the topic has taken",
            )?,
            forward_failures: IntCounter::new(
                "ceteris_decide_forward_failures_total",
                "Batches the topic did not take",
            )?,
            models_refused: counters(
                "ceteris_decide_models_refused_total",
                "Models refused at load",
                &["problem"],
            )?,
            feature_reads: counters(
                "ceteris_decide_feature_reads_total",
                "Reads of the feature store, by what they found",
                &["result"],
            )?,
            effect_cache_lookups: counters(
                "ceteris_decide_effect_cache_lookups_total",
                "Effects looked up in the cache, by what was found",
                &["result"],
            )?,
            effect_cache_puts: counters(
                "ceteris_decide_effect_cache_puts_total",
                "Requests whose computed effects were put into the cache, by what became of them",
                &["result"],
            )?,
            effect_cache_breaker: IntGauge::new(
                "ceteris_decide_effect_cache_breaker_open",
                "1 while the effect cache is not asked because its last calls failed",
            )?,
        };
        for collector in metrics.all() {
            registry
                .register(collector)
                .context("cannot register the metrics of the decision API")?;
        }
        Ok(metrics)
    }

    fn all(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.prediction_seconds.clone()),
            Box::new(self.interval_width.clone()),
            Box::new(self.ate.clone()),
            Box::new(self.decisions.clone()),
            Box::new(self.degraded.clone()),
            Box::new(self.requests.clone()),
            Box::new(self.request_seconds.clone()),
            Box::new(self.journal_bytes.clone()),
            Box::new(self.journal_bytes_max.clone()),
            Box::new(self.journal_waiting.clone()),
            Box::new(self.journal_appended_bytes.clone()),
            Box::new(self.journal_hours_left.clone()),
            Box::new(self.forwarded.clone()),
            Box::new(self.forward_failures.clone()),
            Box::new(self.models_refused.clone()),
            Box::new(self.feature_reads.clone()),
            Box::new(self.effect_cache_lookups.clone()),
            Box::new(self.effect_cache_puts.clone()),
            Box::new(self.effect_cache_breaker.clone()),
        ]
    }

    /// Counts one answered request.
    pub fn answered(&self, method: &str, path: &str, status: u16, elapsed: Duration) {
        let mut digits = [0u8; 3];
        self.requests
            .with_label_values(&[method, path, status_text(status, &mut digits)])
            .inc();
        self.request_seconds
            .with_label_values(&[method, path])
            .observe(elapsed.as_secs_f64());
    }
}

/// The status in three digits, without allocating.
fn status_text(status: u16, digits: &mut [u8; 3]) -> &str {
    let [hundreds, tens, ones] = [status / 100 % 10, status / 10 % 10, status % 10];
    *digits = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8];
    std::str::from_utf8(digits).unwrap_or("000")
}
