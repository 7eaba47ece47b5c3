//! The loop over `causal_decisions`: every readable decision becomes a row of the lake's `decisions` table.
//!
//! A record that cannot be read is the tracker's to set aside; here the position moves past it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_lake::{DecisionRow, LogPosition};
use ceteris_stream::{ConsumedRecord, Message, Subscription};

use crate::lag::Lag;
use crate::metrics::Metrics;
use crate::reading::{REVOKE_PATIENCE, TICK, next, pause_if};
use crate::sink::Sink;
use crate::{Config, Deps, GROUP};

pub(crate) struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    shutdown: Shutdown,
    subscription: Box<dyn Subscription>,
    topic: Arc<str>,
    held: BTreeMap<u32, Held>,
    sink: Sink<DecisionRow>,
    lag: Lag,
}

/// A partition this worker holds.
struct Held {
    /// The offset of the next record that comes; none until the lake said where to begin.
    position: Option<u64>,
    paused: bool,
}

impl Worker {
    pub(crate) async fn start(
        config: Config,
        deps: Deps,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let subscription = deps
            .log
            .subscribe(CAUSAL_DECISIONS, GROUP)
            .await
            .context("subscribe to causal_decisions")?;
        let sink = Sink::new(deps.lake.decisions().clone(), CAUSAL_DECISIONS, metrics.clone());
        let lag = Lag::watch(deps.log.clone(), CAUSAL_DECISIONS, metrics.clone());
        Ok(Worker {
            config,
            deps,
            metrics,
            shutdown,
            subscription,
            topic: Arc::from(CAUSAL_DECISIONS),
            held: BTreeMap::new(),
            sink,
            lag,
        })
    }

    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            let message = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                ended = self.sink.ended() => {
                    self.sink.settle(ended)?;
                    None
                }
                message = next(&mut *self.subscription, &self.metrics) => message?,
                _ = tick.tick() => None,
            };
            match message {
                Some(Message::Assigned(partitions)) => {
                    partitions.into_iter().for_each(|partition| self.hold(partition))
                }
                Some(Message::Revoked(partitions)) => self.revoke(&partitions).await?,
                Some(Message::Records(records)) => records.into_iter().for_each(|record| self.take(record)),
                Some(Message::EndOfPartition { .. }) => {}
                None => self.report().await,
            }
            self.attach().await?;
            let now = self.deps.clock.now();
            self.sink.commit_if_due(&self.config, true, now).await?;
        }
        self.sink.finish(self.deps.clock.now()).await?;
        self.report().await;
        Ok(())
    }

    fn hold(&mut self, partition: u32) {
        let held = Held {
            position: None,
            paused: false,
        };
        self.sink.hold(partition);
        self.held.insert(partition, held);
    }

    async fn attach(&mut self) -> anyhow::Result<()> {
        for (partition, start) in self.sink.attach().await? {
            if let Some(held) = self.held.get_mut(&partition)
                && held.position.is_none_or(|position| start != position)
            {
                self.subscription
                    .seek(partition, start)
                    .context("seek to the position of record")?;
                held.position = Some(start);
            }
        }
        for (partition, held) in &mut self.held {
            let followed = self.sink.follows(*partition);
            pause_if(!followed, &mut held.paused, *partition, &mut *self.subscription)?;
        }
        Ok(())
    }

    async fn revoke(&mut self, partitions: &[u32]) -> anyhow::Result<()> {
        let written = self.sink.finish(self.deps.clock.now());
        match tokio::time::timeout(REVOKE_PATIENCE, written).await {
            Ok(written) => written?,
            Err(_) => tracing::warn!(
                ?partitions,
                "let go without a last write; the next owner reads on from the last one"
            ),
        }
        for partition in partitions {
            self.held.remove(partition);
            self.sink.release(*partition);
            self.lag.forget(*partition);
        }
        Ok(())
    }

    fn take(&mut self, record: ConsumedRecord) {
        let (partition, offset) = (record.partition, record.offset);
        if let Some(held) = self.held.get_mut(&partition) {
            held.position = Some(offset + 1);
        }
        let log = LogPosition {
            topic: self.topic.clone(),
            partition,
            offset,
        };
        let arrived_at = Timestamp(record.timestamp_us);
        self.sink.take(partition, offset, record.payload.len(), || {
            let decision: DecisionRecord = serde_json::from_slice(&record.payload).ok()?;
            DecisionRow::of(&decision, arrived_at, Some(log)).ok()
        });
    }

    async fn report(&mut self) {
        for partition in self.held.keys() {
            if let Some(committed) = self.sink.committed(*partition) {
                self.lag.reached(*partition, committed);
            }
        }
        self.lag.commit(&mut *self.subscription).await;
    }
}
