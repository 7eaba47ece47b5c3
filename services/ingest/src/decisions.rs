//! `causal_decisions` into the lake: every readable decision becomes a row of the table `decisions`.
//!
//! A record that cannot be read is the tracker's to set aside; here the position moves past it.

use std::sync::Arc;

use ceteris_chassis::clock::Clock;
use ceteris_consumer::{Aside, Sink};
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_lake::{DecisionRow, LogPosition};
use ceteris_stream::ConsumedRecord;

use crate::lake_buffer::LakeBuffer;
use crate::metrics::Metrics;
use crate::{Config, Deps};

pub(crate) struct DecisionSink {
    config: Config,
    clock: Clock,
    metrics: Metrics,
    topic: Arc<str>,
    lake: LakeBuffer<DecisionRow>,
}

impl DecisionSink {
    pub(crate) fn new(config: Config, deps: &Deps, metrics: Metrics) -> DecisionSink {
        DecisionSink {
            config,
            clock: deps.clock.clone(),
            lake: LakeBuffer::new(deps.lake.decisions().clone(), CAUSAL_DECISIONS, metrics.clone()),
            metrics,
            topic: Arc::from(CAUSAL_DECISIONS),
        }
    }
}

impl Sink for DecisionSink {
    const DEAD_LETTERS: bool = false;

    fn assigned(&mut self, partition: u32) {
        self.lake.hold(partition);
    }

    fn released(&mut self, partition: u32) {
        self.lake.release(partition);
    }

    async fn attach(&mut self) -> anyhow::Result<()> {
        self.lake.attach().await.map(drop)
    }

    fn next(&self, partition: u32) -> Option<u64> {
        self.lake.next(partition)
    }

    async fn take(&mut self, records: Vec<ConsumedRecord>, _: &mut Aside) -> anyhow::Result<()> {
        for record in records {
            let (partition, offset) = (record.partition, record.offset);
            let log = LogPosition {
                topic: self.topic.clone(),
                partition,
                offset,
            };
            let arrived_at = Timestamp(record.timestamp_us);
            self.lake.take(partition, offset, record.payload.len(), || {
                let decision: DecisionRecord = serde_json::from_slice(&record.payload).ok()?;
                DecisionRow::of(&decision, arrived_at, Some(log)).ok()
            });
        }
        Ok(())
    }

    fn pass(&mut self, partition: u32, offset: u64, detail: &str, _: &mut Aside) {
        self.metrics.pass_over(CAUSAL_DECISIONS, partition, detail);
        self.lake.take(partition, offset, 0, || None);
    }

    async fn write_due(&mut self, _caught_up: bool, _: &mut Aside) -> anyhow::Result<()> {
        let now = self.clock.now();
        self.lake.commit_if_due(&self.config, true, now).await
    }

    async fn drain(&mut self, _partitions: &[u32], _: &mut Aside) -> anyhow::Result<()> {
        self.lake.finish(self.clock.now()).await
    }

    async fn wake(&mut self) -> anyhow::Result<()> {
        self.lake.wake().await
    }

    fn durable(&self, partition: u32) -> Option<u64> {
        self.lake.committed(partition)
    }
}
