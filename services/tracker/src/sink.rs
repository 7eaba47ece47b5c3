//! The decision store as a sink: batches go out a partition at a time, and rows and position move in one transaction. While
//! the store is away nothing is taken, so that its partitions are paused.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::backoff::Backoff;
use ceteris_consumer::{Aside, Sink};
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_store::{DecisionStore, Disposition, HasDisposition, StoreError};
use ceteris_stream::ConsumedRecord;
use tokio::time::{Instant, sleep_until};

use crate::Config;
use crate::held::{Held, Refused};
use crate::metrics::Metrics;

/// Pauses after the store did not answer.
const PAUSE: Duration = Duration::from_millis(100);
/// A store that is back after hours is found within this.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The loop looks around at least this often; nothing depends on it.
const IDLE: Duration = Duration::from_secs(60);

pub(crate) struct StoreSink {
    config: Config,
    store: Arc<dyn DecisionStore>,
    metrics: Metrics,
    held: BTreeMap<u32, Held>,
    away: Backoff,
}

/// What became of an attempt to write.
enum Written {
    All,
    /// The position was another one: there is more to do.
    Again,
    /// Records are to be set aside before the rest can be written.
    SetAside,
    /// The store is away.
    Away,
}

impl StoreSink {
    pub(crate) fn new(config: Config, store: Arc<dyn DecisionStore>, metrics: Metrics) -> StoreSink {
        StoreSink {
            config,
            store,
            metrics,
            held: BTreeMap::new(),
            away: Backoff::new(PAUSE, PAUSE_MAX),
        }
    }

    /// Writes what is due of these partitions, or everything.
    async fn write(&mut self, partitions: &[u32], everything: bool, aside: &mut Aside) -> anyhow::Result<()> {
        // Whatever waits is what tells whether the store is back.
        let everything = everything || self.away.until().is_some();
        for partition in partitions {
            while self.away.is_due() && self.is_due(*partition, everything) {
                match self.write_one(*partition, aside).await? {
                    Written::All | Written::Away => break,
                    Written::Again => {}
                    Written::SetAside => return Ok(()),
                }
            }
        }
        if self.away.is_due() {
            // It answered, or there is nothing left to ask it.
            self.away.succeeded();
        }
        Ok(())
    }

    fn is_due(&self, partition: u32, everything: bool) -> bool {
        let held_bytes: usize = self.held.values().map(Held::bytes).sum();
        self.held.get(&partition).is_some_and(|held| {
            let late = held
                .deadline(self.config.interval)
                .is_some_and(|deadline| deadline <= Instant::now());
            let full = held.is_full(&self.config) || held_bytes >= self.config.held_bytes_max;
            everything || late || full
        })
    }

    /// Writes what waits of a partition, the rows with the position.
    async fn write_one(&mut self, partition: u32, aside: &mut Aside) -> anyhow::Result<Written> {
        let Some(held) = self.held.get_mut(&partition) else {
            return Ok(Written::All);
        };
        let Some(batch) = held.batch(partition) else {
            return Ok(Written::All);
        };
        let started = Instant::now();
        match self.store.append(&batch).await {
            Ok(appended) => {
                self.away.succeeded();
                self.metrics
                    .batch_seconds
                    .observe(started.elapsed().as_secs_f64());
                self.metrics.decisions.inc_by(appended.inserted);
                self.metrics.repeats.inc_by(appended.repeated);
                held.start_at(batch.next);
                Ok(Written::All)
            }
            Err(StoreError::Moved { actual, .. }) => {
                // Another owner wrote while this one was taken for dead, or the answer to our own commit was lost: the
                // store says where to go on.
                self.metrics.moves.inc();
                tracing::warn!(
                    partition,
                    expected = batch.expected_next,
                    actual,
                    "the position has moved; going on from there"
                );
                held.start_at(actual);
                Ok(Written::Again)
            }
            Err(StoreError::Refused { records }) => {
                tracing::warn!(
                    partition,
                    records = records.len(),
                    first = records[0].1,
                    "the store refuses records"
                );
                held.put_back(batch);
                for refused in held.refuse(records) {
                    self.set_aside(&refused, aside);
                }
                Ok(Written::SetAside)
            }
            Err(error) => {
                held.put_back(batch);
                self.note("store decisions", error)?;
                Ok(Written::Away)
            }
        }
    }

    fn set_aside(&self, refused: &Refused, aside: &mut Aside) {
        self.metrics.dead_letters.inc();
        aside.letter(&refused.record, refused.code, &refused.detail);
    }

    /// Notes a passing fault of the store, once, where it is handled.
    fn note(&mut self, what: &'static str, error: StoreError) -> anyhow::Result<()> {
        if error.disposition() != Disposition::Retry {
            return Err(error).context(what);
        }
        let pause = self.away.failed();
        self.metrics.retries.inc();
        tracing::warn!(
            error = &error as &dyn Error,
            pause_ms = pause.as_millis() as u64,
            "cannot {what} for now; trying again"
        );
        Ok(())
    }
}

impl Sink for StoreSink {
    const DEAD_LETTERS: bool = true;

    fn assigned(&mut self, partition: u32) {
        self.held.insert(partition, Held::default());
    }

    fn released(&mut self, partition: u32) {
        self.held.remove(&partition);
    }

    async fn attach(&mut self) -> anyhow::Result<()> {
        let unknown = |(partition, held): (&u32, &Held)| held.position.is_none().then_some(*partition);
        let partitions: Vec<u32> = self.held.iter().filter_map(unknown).collect();
        for partition in partitions {
            if !self.away.is_due() {
                break;
            }
            match self.store.next_offset(CAUSAL_DECISIONS, partition).await {
                Ok(position) => {
                    self.away.succeeded();
                    if let Some(held) = self.held.get_mut(&partition) {
                        held.start_at(position);
                    }
                }
                Err(error) => self.note("read the store's position", error)?,
            }
        }
        Ok(())
    }

    fn next(&self, partition: u32) -> Option<u64> {
        match self.away.until() {
            Some(_) => None,
            None => self.held.get(&partition)?.next(),
        }
    }

    async fn take(&mut self, records: Vec<ConsumedRecord>, aside: &mut Aside) -> anyhow::Result<()> {
        for record in records {
            if let Some(held) = self.held.get_mut(&record.partition)
                && let Err(refused) = held.take(record)
            {
                self.set_aside(&refused, aside);
            }
        }
        Ok(())
    }

    fn pass(&mut self, partition: u32, offset: u64, detail: &str, aside: &mut Aside) {
        if let Some(held) = self.held.get_mut(&partition)
            && held.pass(offset)
        {
            self.metrics.dead_letters.inc();
            aside.letter_without_record(CAUSAL_DECISIONS, partition, offset, "not_a_record", detail);
        }
    }

    async fn write_due(&mut self, _caught_up: bool, aside: &mut Aside) -> anyhow::Result<()> {
        let partitions: Vec<u32> = self.held.keys().copied().collect();
        self.write(&partitions, false, aside).await
    }

    async fn drain(&mut self, partitions: &[u32], aside: &mut Aside) -> anyhow::Result<()> {
        self.write(partitions, true, aside).await
    }

    async fn wake(&mut self) -> anyhow::Result<()> {
        let deadlines = self.held.values();
        let deadlines = deadlines.filter_map(|held| held.deadline(self.config.interval));
        let wake = self.away.until().or_else(|| deadlines.min());
        sleep_until(wake.unwrap_or_else(|| Instant::now() + IDLE)).await;
        Ok(())
    }

    fn durable(&self, partition: u32) -> Option<u64> {
        self.held.get(&partition)?.position
    }
}
