#![doc = include_str!("../README.md")]

mod held;
mod metrics;
mod sink;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_consumer::{Measures, Source, consume};
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_store::DecisionStore;
use ceteris_stream::EventLog;
use prometheus::Registry;

use crate::metrics::Metrics;
use crate::sink::StoreSink;

/// The consumer group, and the middle of the dead-letter topic's name.
pub const GROUP: &str = "tracker";

/// How much is held back before it is written.
#[derive(Clone, Debug)]
pub struct Config {
    /// Records of one partition that make a write due.
    pub rows_max: usize,
    /// Bytes of them that make it due too.
    pub bytes_max: usize,
    /// Bytes of all partitions together that make every write due: the bound on memory, but for one delivery of the log.
    pub held_bytes_max: usize,
    /// How long a record waits at most: what is read meanwhile is written with it.
    pub interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            rows_max: 5_000,
            bytes_max: 8 << 20,
            held_bytes_max: 64 << 20,
            interval: Duration::from_millis(100),
        }
    }
}

/// What the tracker works with.
#[derive(Clone)]
pub struct Deps {
    /// Where decisions come from.
    pub log: Arc<dyn EventLog>,
    /// Where they go.
    pub store: Arc<dyn DecisionStore>,
    /// Where its metrics are shown.
    pub registry: Registry,
}

/// Takes decisions in until `shutdown`, as [`run_with`] does with the defaults.
///
/// # Errors
/// Those of [`run_with`].
pub async fn run(deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    run_with(Config::default(), deps, shutdown).await
}

/// Takes decisions in until `shutdown`; what was read by then is written first.
///
/// # Errors
/// What no patience mends: a schema that is missing, data that cannot be trusted. A log or store that is away is waited
/// for.
pub async fn run_with(config: Config, deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.registry).context("register the tracker's metrics")?;
    let source = Source {
        log: deps.log,
        topic: CAUSAL_DECISIONS,
        group: GROUP,
    };
    let measures = Measures {
        retries: metrics.retries.clone(),
        lag: metrics.lag.clone(),
        lag_labels: Vec::new(),
    };
    let sink = StoreSink::new(config, deps.store, metrics);
    consume(source, sink, measures, shutdown).await
}
