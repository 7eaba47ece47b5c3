//! The loop over `causal_decisions`: every readable decision becomes a row of the lake's `decisions` table.
//!
//! A record that cannot be read is the tracker's to set aside; here the position moves past it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_lake::{DecisionRow, LogPosition};
use ceteris_stream::{ConsumedRecord, Message, Subscription};

use crate::metrics::Metrics;
use crate::sink::Sink;
use crate::{Config, Deps, GROUP};

/// How often a due commit is looked for while nothing arrives.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    shutdown: Shutdown,
    subscription: Box<dyn Subscription>,
    topic: Arc<str>,
    sink: Sink<DecisionRow>,
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
        let sink = Sink::new(deps.lake.decisions().clone(), CAUSAL_DECISIONS);
        Ok(Worker {
            config,
            deps,
            metrics,
            shutdown,
            subscription,
            topic: Arc::from(CAUSAL_DECISIONS),
            sink,
        })
    }

    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            let message = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                message = self.subscription.next() => Some(message.context("read decisions")?),
                _ = tick.tick() => None,
            };
            match message {
                Some(Message::Assigned(partitions)) => {
                    for partition in partitions {
                        let next = self.sink.assign(partition).await?;
                        self.subscription
                            .seek(partition, next)
                            .context("seek to the position of record")?;
                    }
                }
                Some(Message::Revoked(_)) => self.commit().await?,
                Some(Message::Records(records)) => records.into_iter().for_each(|record| self.take(record)),
                Some(Message::EndOfPartition { .. }) | None => {}
            }
            let waited = self
                .sink
                .waiting_since()
                .map_or(Duration::ZERO, |since| since.elapsed());
            if self.sink.rows() >= self.config.commit_rows || waited >= self.config.commit_interval {
                self.commit().await?;
            }
        }
        self.commit().await
    }

    fn take(&mut self, record: ConsumedRecord) {
        let log = LogPosition {
            topic: self.topic.clone(),
            partition: record.partition,
            offset: record.offset,
        };
        let arrived_at = Timestamp(record.timestamp_us);
        self.sink.take(record.partition, record.offset, || {
            let decision: DecisionRecord = serde_json::from_slice(&record.payload).ok()?;
            DecisionRow::of(&decision, arrived_at, Some(log)).ok()
        });
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let rows = self.sink.commit(self.deps.clock.now()).await?;
        self.metrics
            .lake_rows
            .with_label_values(&["decisions"])
            .inc_by(rows);
        Ok(())
    }
}
