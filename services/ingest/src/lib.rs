#![doc = include_str!("../README.md")]

mod check;
mod decisions;
mod events;
mod lake_buffer;
mod maintain;
mod metrics;
mod online;
mod rebuild;
mod slot;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_consumer::{Measures, Source, consume};
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::{FeatureStore, Owner};
use ceteris_lake::Lake;
use ceteris_stream::EventLog;
use prometheus::Registry;
use tokio::sync::watch;

use crate::decisions::DecisionSink;
use crate::events::EventSink;
use crate::metrics::Metrics;

/// The consumer group, and the middle of the dead-letter topic's name.
pub const GROUP: &str = "ingest";

/// How much is held back before it is written.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rows that make a lake commit due while the worker is behind.
    pub commit_rows: usize,
    /// Bytes of their records that make it due too. Twice this much is held at the most: a buffer on its way, and one
    /// that fills meanwhile.
    pub commit_bytes: usize,
    /// How long rows wait for a lake commit once the worker has caught up.
    pub commit_interval: Duration,
    /// How long changed unit states wait for a flush while the worker is behind; caught up, they are flushed at once.
    pub flush_interval: Duration,
    /// Unit states held in memory; above it, those already written are dropped.
    pub resident_units_max: usize,
    /// How often the lake's small files are merged and what was replaced long ago is deleted.
    pub maintain_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            commit_rows: 200_000,
            commit_bytes: 128 << 20,
            commit_interval: Duration::from_secs(1),
            flush_interval: Duration::from_secs(3),
            resident_units_max: 500_000,
            maintain_interval: Duration::from_secs(60),
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
///
/// # Errors
/// What no patience mends: a configuration that cannot work, a fence of the log, data that cannot be trusted. A backend
/// that is away is waited for.
pub async fn run(config: Config, deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.registry).context("register ingest's metrics")?;
    work(config, deps, metrics, shutdown).await
}

/// As [`run`], while the problems change: with each new set of them the work ends in order and begins anew, for a new
/// view's states are rebuilt from the lake.
///
/// # Errors
/// As [`run`].
pub async fn run_following(
    config: Config,
    mut deps: Deps,
    mut problems: watch::Receiver<Vec<Arc<Problem>>>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.registry).context("register ingest's metrics")?;
    loop {
        deps.problems = problems.borrow_and_update().clone();
        let round = shutdown.child_token();
        let working = work(config.clone(), deps.clone(), metrics.clone(), round.clone());
        let mut working = std::pin::pin!(working);
        let changed = async {
            if problems.changed().await.is_err() {
                // Nobody tells of changes any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = &mut working => return ended,
            () = changed => {}
        }
        tracing::info!("the problems have changed: their views begin anew");
        round.cancel();
        working.await?;
    }
}

async fn work(config: Config, deps: Deps, metrics: Metrics, shutdown: Shutdown) -> anyhow::Result<()> {
    let (log, interval) = (deps.log.clone(), config.maintain_interval);
    let source = |topic| Source {
        log: log.clone(),
        topic,
        group: GROUP,
    };
    let measures = |topic| Measures {
        retries: metrics.retries.with_label_values(&["log", "away"]),
        lag: metrics.lag.clone(),
        lag_labels: vec![topic],
    };
    let decisions = DecisionSink::new(config.clone(), &deps, metrics.clone());
    let decisions = consume(
        source(CAUSAL_DECISIONS),
        decisions,
        measures(CAUSAL_DECISIONS),
        shutdown.clone(),
    );
    let (lake, clock) = (deps.lake.clone(), deps.clock.clone());
    let events = EventSink::new(config, deps, metrics.clone()).await?;
    let events = consume(
        source(USER_EVENTS),
        events,
        measures(USER_EVENTS),
        shutdown.clone(),
    );
    let maintenance = maintain::maintain(lake, clock, interval, metrics.clone(), shutdown);
    let maintenance = async {
        maintenance.await;
        Ok(())
    };
    tokio::try_join!(events, decisions, maintenance)?;
    Ok(())
}
