//! The loop: records, assignments and revocations come in as messages, batches go out, and neither log nor store has to
//! be there all the time.
//!
//! While the store is away the partitions are paused and the log is still listened to, so that the group never takes this
//! member for dead.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_store::{Disposition, HasDisposition, StoreError};
use ceteris_stream::{Message, StreamError, Subscription, dead_letter_topic};

use crate::backoff::Backoff;
use crate::held::Held;
use crate::lag::Lag;
use crate::metrics::Metrics;
use crate::{Config, Deps, GROUP, letters};

/// The loop looks around at least this often; nothing depends on it.
const IDLE: Duration = Duration::from_secs(60);

pub(crate) struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    shutdown: Shutdown,
    dead_letters: String,
    subscription: Box<dyn Subscription>,
    held: BTreeMap<u32, Held>,
    /// The store, and the log as far as it takes letters.
    sink: Backoff,
    /// The log as far as it is read.
    source: Backoff,
    lag: Lag,
}

/// What became of an attempt to write.
enum Written {
    All,
    /// Some of it was set aside or the position was another: there is more to do.
    Again,
    /// Log or store are away.
    Away,
}

impl Worker {
    /// Joins the group as soon as the log answers; none where `shutdown` comes first.
    pub(crate) async fn start(
        config: Config,
        deps: Deps,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> anyhow::Result<Option<Worker>> {
        let mut backoff = Backoff::new();
        loop {
            let join = async {
                let dead_letters = dead_letter_topic(&*deps.log, CAUSAL_DECISIONS, GROUP).await?;
                Ok((dead_letters, deps.log.subscribe(CAUSAL_DECISIONS, GROUP).await?))
            };
            let error: StreamError = match join.await {
                Ok((dead_letters, subscription)) => {
                    let lag = Lag::watch(deps.log.clone(), metrics.lag.clone());
                    return Ok(Some(Worker {
                        config,
                        deps,
                        metrics,
                        shutdown,
                        dead_letters,
                        subscription,
                        held: BTreeMap::new(),
                        sink: Backoff::new(),
                        source: Backoff::new(),
                        lag,
                    }));
                }
                Err(error) => error,
            };
            if error.disposition() != Disposition::Retry {
                return Err(error).context("subscribe to decisions");
            }
            let pause = note(&metrics, &mut backoff, "subscribe to decisions", &error);
            tokio::select! {
                () = shutdown.cancelled() => return Ok(None),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        loop {
            let wake = tokio::time::Instant::from_std(self.wake());
            let reads = self.source.may_ask();
            let message = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                () = tokio::time::sleep_until(wake) => None,
                message = self.subscription.next(), if reads => Some(message),
            };
            match message {
                Some(Ok(message)) => {
                    self.source.answered();
                    self.handle(message).await?;
                }
                Some(Err(error)) => self.unread(error)?,
                None => {}
            }
            self.advance(false).await?;
        }
        // What does not get through now is read again from the store's position on.
        self.advance(true).await
    }

    /// When there is something to do without a message.
    fn wake(&self) -> Instant {
        let now = Instant::now();
        let written = match self.sink.until() {
            Some(until) => Some(until),
            None => {
                let deadlines = self.held.values();
                deadlines
                    .filter_map(|held| held.deadline(self.config.interval))
                    .min()
            }
        };
        // A source whose pause is over is read, not woken for.
        let read = self.source.until().filter(|until| *until > now);
        written.into_iter().chain(read).min().unwrap_or(now + IDLE)
    }

    async fn handle(&mut self, message: Message) -> anyhow::Result<()> {
        match message {
            Message::Assigned(partitions) => {
                for partition in partitions {
                    self.held.insert(partition, Held::new());
                }
            }
            Message::Records(records) => {
                for record in records {
                    if let Some(held) = self.held.get_mut(&record.partition) {
                        held.take(record);
                    }
                }
            }
            Message::Revoked(partitions) => {
                for partition in partitions {
                    // What does not get through now, the next owner reads from the store's position on.
                    if self.sink.may_ask() {
                        self.write(partition).await?;
                    }
                    self.held.remove(&partition);
                    self.lag.forget(partition);
                }
            }
            Message::EndOfPartition { .. } => {}
        }
        Ok(())
    }

    /// The log did not give a message.
    fn unread(&mut self, error: StreamError) -> anyhow::Result<()> {
        match (&error, error.disposition()) {
            (
                StreamError::NotARecord {
                    partition, offset, ..
                },
                _,
            ) => {
                if let Some(held) = self.held.get_mut(partition) {
                    held.pass(*partition, *offset, &error.to_string());
                }
                Ok(())
            }
            (_, Disposition::Retry) => {
                note(&self.metrics, &mut self.source, "read decisions", &error);
                Ok(())
            }
            _ => Err(error).context("read decisions"),
        }
    }

    /// Finds positions, writes what is due (or everything), and pauses what has to wait.
    async fn advance(&mut self, everything: bool) -> anyhow::Result<()> {
        // Whatever waits is what tells whether the sink is back.
        let everything_waiting = everything || self.sink.until().is_some();
        let partitions: Vec<u32> = self.held.keys().copied().collect();
        for partition in partitions {
            while self.sink.may_ask() && self.is_due(partition, everything_waiting) {
                let written = match self.held.get(&partition).map(|held| held.position) {
                    Some(None) => self.find(partition).await?,
                    _ => self.write(partition).await?,
                };
                if matches!(written, Written::All) {
                    break;
                }
            }
        }
        if self.sink.may_ask() {
            // It answered, or there is nothing left to ask it.
            self.sink.answered();
        }
        self.pause_and_resume()
    }

    fn is_due(&self, partition: u32, everything: bool) -> bool {
        let held_bytes: usize = self.held.values().map(Held::bytes).sum();
        self.held.get(&partition).is_some_and(|held| {
            let late = held
                .deadline(self.config.interval)
                .is_some_and(|deadline| deadline <= Instant::now());
            let full = held.is_full(&self.config) || held_bytes >= self.config.held_bytes_max;
            held.position.is_none() || everything || late || full
        })
    }

    /// Asks the store where a partition stands, and goes there.
    async fn find(&mut self, partition: u32) -> anyhow::Result<Written> {
        match self.deps.store.next_offset(CAUSAL_DECISIONS, partition).await {
            Ok(position) => {
                self.sink.answered();
                self.go_to(partition, position)?;
                Ok(Written::All)
            }
            Err(error) => self.unwritten("read the store's position", error),
        }
    }

    fn go_to(&mut self, partition: u32, position: u64) -> anyhow::Result<()> {
        match self.subscription.seek(partition, position) {
            Ok(()) => {
                if let Some(held) = self.held.get_mut(&partition) {
                    held.start_at(position);
                }
                self.lag.reached(partition, position);
                Ok(())
            }
            Err(StreamError::NotAssigned { .. }) => {
                self.held.remove(&partition);
                Ok(())
            }
            Err(error) => Err(error).context("seek to the store's position"),
        }
    }

    /// Writes what waits of a partition: the letters, then the rows with the position.
    async fn write(&mut self, partition: u32) -> anyhow::Result<Written> {
        let Some(held) = self.held.get_mut(&partition) else {
            return Ok(Written::All);
        };
        let mut waiting = held.take_letters();
        if !waiting.is_empty() {
            let count = waiting.len();
            let sent = letters::send(&*self.deps.log, &self.dead_letters, &mut waiting).await;
            self.metrics.dead_letters.inc_by((count - waiting.len()) as u64);
            held.put_back_letters(waiting);
            match sent {
                Err(error) if error.disposition() == Disposition::Retry => {
                    note(&self.metrics, &mut self.sink, "send dead letters", &error);
                    return Ok(Written::Away);
                }
                sent => sent.context("send dead letters")?,
            }
        }
        let Some(batch) = held.batch(partition) else {
            return Ok(Written::All);
        };
        let started = Instant::now();
        match self.deps.store.append(&batch).await {
            Ok(appended) => {
                self.sink.answered();
                self.metrics
                    .batch_seconds
                    .observe(started.elapsed().as_secs_f64());
                self.metrics.decisions.inc_by(appended.inserted);
                self.metrics.repeats.inc_by(appended.repeated);
                held.start_at(batch.next);
                self.lag.reached(partition, batch.next);
                // For those who look at the group: the position of record is the store's.
                if let Err(error) = self.subscription.commit(partition, batch.next).await {
                    tracing::debug!(
                        error = &error as &dyn Error,
                        partition,
                        "the group's position was not shown"
                    );
                }
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
                self.go_to(partition, actual)?;
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
                held.refuse(&records);
                Ok(Written::Again)
            }
            Err(error) => {
                held.put_back(batch);
                self.unwritten("store decisions", error)
            }
        }
    }

    fn unwritten(&mut self, what: &'static str, error: StoreError) -> anyhow::Result<Written> {
        if error.disposition() != Disposition::Retry {
            return Err(error).context(what);
        }
        note(&self.metrics, &mut self.sink, what, &error);
        Ok(Written::Away)
    }

    /// Nothing is read of a partition whose position is not known, nor of any while it could not be written.
    fn pause_and_resume(&mut self) -> anyhow::Result<()> {
        let away = self.sink.until().is_some();
        let mut gone = Vec::new();
        for (partition, held) in &mut self.held {
            let wanted = away || held.position.is_none();
            if wanted == held.paused {
                continue;
            }
            let done = match wanted {
                true => self.subscription.pause(*partition),
                false => self.subscription.resume(*partition),
            };
            match done {
                Ok(()) => held.paused = wanted,
                Err(StreamError::NotAssigned { .. }) => gone.push(*partition),
                Err(error) => return Err(error).context("pause or resume a partition"),
            }
        }
        for partition in gone {
            self.held.remove(&partition);
        }
        Ok(())
    }
}

/// Notes a passing fault, once, where it is handled; answers the pause.
fn note(metrics: &Metrics, backoff: &mut Backoff, what: &str, error: &(dyn Error + 'static)) -> Duration {
    let pause = backoff.failed();
    metrics.retries.inc();
    tracing::warn!(
        error,
        pause_ms = pause.as_millis() as u64,
        "cannot {what} for now; trying again"
    );
    pause
}
