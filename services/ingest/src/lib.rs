#![doc = include_str!("../README.md")]

mod check;
mod decisions;
mod events;
mod metrics;
mod online;
mod sink;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_feature_store::{FeatureStore, Owner};
use ceteris_lake::Lake;
use ceteris_stream::EventLog;
use prometheus::Registry;

use crate::metrics::Metrics;

/// The consumer group, and the middle of the dead-letter topic's name.
pub const GROUP: &str = "ingest";

/// How much is held back before it is written.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rows that make a lake commit due while the worker is behind.
    pub commit_rows: usize,
    /// How long rows wait for a lake commit once the worker has caught up.
    pub commit_interval: Duration,
    /// How long changed unit states wait for a flush while the worker is behind; caught up, they are flushed at once.
    pub flush_interval: Duration,
    /// Unit states held in memory; above it, those already written are dropped.
    pub resident_units_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            commit_rows: 200_000,
            commit_interval: Duration::from_secs(1),
            flush_interval: Duration::from_secs(3),
            resident_units_max: 500_000,
        }
    }
}

/// What ingest works with.
#[derive(Clone)]
pub struct Deps {
    /// Where events and decisions come from.
    pub log: Arc<dyn EventLog>,
    /// Where both are kept.
    pub lake: Lake,
    /// Where features are read online.
    pub features: Arc<dyn FeatureStore>,
    /// The problems whose views are kept; those over tables have none.
    pub problems: Vec<Arc<Problem>>,
    /// Turns user ids into units.
    pub identity: IdentityKey,
    /// Told what the stream shows.
    pub clock: Clock,
    /// Marks this process as the owner of its partitions.
    pub owner: Owner,
    /// Where its metrics are shown.
    pub registry: Registry,
}

/// Takes events and decisions in until `shutdown`; what was read is written before it returns.
pub async fn run(config: Config, deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.registry).context("register ingest's metrics")?;
    let events = events::Worker::start(config.clone(), deps.clone(), metrics.clone(), shutdown.clone());
    let decisions = decisions::Worker::start(config, deps, metrics, shutdown);
    let (events, decisions) = tokio::try_join!(events, decisions)?;
    tokio::try_join!(events.work(), decisions.work())?;
    Ok(())
}
