#![doc = include_str!("../README.md")]

mod batch;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_store::{Batch, DecisionStore, Disposition, StoreError};
use ceteris_stream::{ConsumedRecord, EventLog, Message, Subscription, dead_letter_topic};
use prometheus::Registry;

use crate::batch::{Sorted, sort};
use crate::metrics::Metrics;

/// The consumer group, and the middle of the dead-letter topic's name.
pub const GROUP: &str = "tracker";

const RETRY_PAUSE: Duration = Duration::from_millis(250);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(10);

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

/// Takes decisions in until `shutdown`; a batch that was begun is finished first.
pub async fn run(deps: Deps, shutdown: Shutdown) -> anyhow::Result<()> {
    let metrics = Metrics::register(&deps.registry).context("register the tracker's metrics")?;
    let dead_letters = dead_letter_topic(&*deps.log, CAUSAL_DECISIONS, GROUP)
        .await
        .context("create the tracker's dead-letter topic")?;
    let subscription = deps
        .log
        .subscribe(CAUSAL_DECISIONS, GROUP)
        .await
        .context("subscribe to decisions")?;
    Tracker {
        deps,
        metrics,
        dead_letters,
        subscription,
        shutdown,
    }
    .work()
    .await
}

struct Tracker {
    deps: Deps,
    metrics: Metrics,
    dead_letters: String,
    subscription: Box<dyn Subscription>,
    shutdown: Shutdown,
}

impl Tracker {
    async fn work(mut self) -> anyhow::Result<()> {
        loop {
            let message = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(()),
                message = self.subscription.next() => message.context("read decisions")?,
            };
            match message {
                Message::Assigned(partitions) => {
                    for partition in partitions {
                        let next = self.position(partition).await?;
                        self.subscription
                            .seek(partition, next)
                            .context("seek to the store's position")?;
                    }
                }
                Message::Records(records) => self.take(records).await?,
                Message::Revoked(_) | Message::EndOfPartition { .. } => {}
            }
        }
    }

    async fn position(&mut self, partition: u32) -> anyhow::Result<u64> {
        let mut pause = RETRY_PAUSE;
        loop {
            match self.deps.store.next_offset(CAUSAL_DECISIONS, partition).await {
                Err(error) if error.disposition() == Disposition::Retry => {
                    self.wait(&mut pause, &error).await?
                }
                position => return position.context("read the store's position"),
            }
        }
    }

    async fn take(&mut self, records: Vec<ConsumedRecord>) -> anyhow::Result<()> {
        for Sorted { batch, refused } in sort(records) {
            if !refused.is_empty() {
                let count = refused.len() as u64;
                self.deps
                    .log
                    .produce(&self.dead_letters, refused)
                    .await
                    .context("keep dead letters")?;
                self.metrics.dead_letters.inc_by(count);
            }
            let (partition, next) = (batch.partition, batch.next);
            self.store(batch).await?;
            // Informational: the position of record is the store's.
            self.subscription
                .commit(partition, next)
                .await
                .context("show the group's position")?;
        }
        Ok(())
    }

    async fn store(&mut self, batch: Batch) -> anyhow::Result<()> {
        let mut pause = RETRY_PAUSE;
        loop {
            match self.deps.store.append(batch.clone()).await {
                Ok(appended) => {
                    self.metrics.decisions.inc_by(appended.inserted);
                    self.metrics.repeats.inc_by(appended.repeated);
                    return Ok(());
                }
                Err(error) if error.disposition() == Disposition::Retry => {
                    // The commit may have landed and only its answer been lost: then the position has moved.
                    if self.position(batch.partition).await? == batch.next {
                        return Ok(());
                    }
                    self.wait(&mut pause, &error).await?;
                }
                Err(error) => return Err(error).context("store decisions"),
            }
        }
    }

    async fn wait(&mut self, pause: &mut Duration, error: &StoreError) -> anyhow::Result<()> {
        self.metrics.retries.inc();
        tracing::warn!(
            error = error as &dyn std::error::Error,
            pause_ms = pause.as_millis() as u64,
            "the store did not answer; trying again"
        );
        tokio::select! {
            () = self.shutdown.cancelled() => anyhow::bail!("stopped while the store was away"),
            () = tokio::time::sleep(*pause) => {}
        }
        *pause = (*pause * 2).min(RETRY_PAUSE_MAX);
        Ok(())
    }
}
