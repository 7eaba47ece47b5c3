//! Ships the journal to the topic, at least once: the cursor moves after the log has taken a batch, and segments go
//! after the cursor. The store keeps one row per decision id, so a batch shipped twice changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ceteris_chassis::{Shutdown, pool};
use ceteris_contract::record::DECISION_SCHEMA_VERSION;
use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_journal::{CursorFile, Entry, JournalView, Reader};
use ceteris_stream::{EventLog, NewRecord, StreamError};
use tokio::sync::Notify;

use super::Spooled;
use super::hours::FillRate;
use crate::metrics::Metrics;

/// Records and bytes of one batch: a few milliseconds of a log's time.
const BATCH_RECORDS_MAX: usize = 1000;
const BATCH_BYTES_MAX: usize = 1 << 20;
/// After the first record of a quiet time others are waited for this long: shipped one by one, decisions would cost more
/// on their way out than in the making.
const LINGER: Duration = Duration::from_millis(5);
/// Pauses between attempts while the log does not answer.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Where decisions go.
#[derive(Clone, Debug)]
pub struct TopicSink {
    /// The event log.
    pub log: Arc<dyn EventLog>,
    /// Partitions of the topic where it has to be made.
    pub partitions: u32,
}

impl TopicSink {
    async fn ship(&self, records: Vec<NewRecord>) -> Result<(), StreamError> {
        match self.log.produce(CAUSAL_DECISIONS, records.clone()).await {
            // A new log has no topics yet. Every writer may make it: making it again is no error.
            Err(StreamError::UnknownTopic { .. }) => {
                self.log.create_topic(CAUSAL_DECISIONS, self.partitions).await?;
                self.log.produce(CAUSAL_DECISIONS, records).await.map(drop)
            }
            other => other.map(drop),
        }
    }
}

/// The task between journal and topic.
#[derive(Debug)]
pub struct Forwarder {
    tail: Tail,
    sink: TopicSink,
    metrics: Metrics,
    appended: Arc<Notify>,
}

/// The journal from the cursor on. Its files are read and written on the blocking pool: a slow disk must not hold up
/// the decisions that share the runtime.
#[derive(Debug)]
struct Tail {
    view: JournalView,
    reader: Reader,
    cursor: CursorFile,
}

impl Tail {
    fn read(&mut self) -> Result<Vec<Entry>> {
        self.reader
            .read(BATCH_RECORDS_MAX, BATCH_BYTES_MAX)
            .context("cannot read the decision journal")
    }

    /// Moves the cursor behind what was read, and gives back the segments before it.
    fn advance(&mut self) -> Result<()> {
        let next = self.reader.next_offset();
        self.cursor
            .set(next)
            .context("cannot move the forwarder's cursor")?;
        if let Err(error) = self.view.delete_before(next) {
            // The bytes are given back with the next batch.
            tracing::warn!(%error, "cannot drop shipped segments of the decision journal");
        }
        Ok(())
    }

    async fn on_pool<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Tail) -> Result<T> + Send + 'static,
    ) -> Result<(Tail, T)> {
        let done = pool::run(move || {
            let result = work(&mut self);
            (self, result)
        });
        let (tail, result) = done.await.context("the forwarder's file work failed")?;
        Ok((tail, result?))
    }
}

impl Forwarder {
    /// A forwarder that goes on where the cursor stands.
    ///
    /// # Errors
    /// A cursor that cannot be moved.
    pub fn new(view: JournalView, mut cursor: CursorFile, sink: TopicSink, metrics: Metrics) -> Result<Self> {
        let (first, end) = (view.first_offset(), view.end_offset());
        let next = cursor.get().unwrap_or(first).max(first);
        if next > end {
            // Power loss took the journal's end, which had been shipped. Offsets are given again from its new end,
            // so a cursor beyond it would skip decisions.
            tracing::warn!(
                cursor = next,
                end,
                "the journal ends before its cursor; shipping goes on at its end"
            );
            cursor.set(end).context("cannot move the forwarder's cursor")?;
        }
        let reader = view.reader(next.min(end));
        let appended = Arc::new(Notify::new());
        let woken = Arc::clone(&appended);
        view.on_append(move |_| woken.notify_one());
        let tail = Tail { view, reader, cursor };
        Ok(Forwarder {
            tail,
            sink,
            metrics,
            appended,
        })
    }

    /// Ships until `drain` is cancelled and everything in the journal has been shipped.
    ///
    /// # Errors
    /// A journal that cannot be read, or a cursor that cannot be written: it would go wrong for ever.
    pub async fn run(self, drain: Shutdown) -> Result<()> {
        let Forwarder {
            mut tail,
            sink,
            metrics,
            appended,
        } = self;
        let mut rate = FillRate::new(Instant::now(), metrics.journal_appended_bytes.get());
        loop {
            figures(&tail, &metrics, &mut rate);
            let entries;
            (tail, entries) = tail.on_pool(Tail::read).await?;
            if entries.is_empty() {
                if drain.is_cancelled() {
                    return Ok(());
                }
                tokio::select! {
                    () = appended.notified() => pause(LINGER, &drain).await,
                    () = drain.cancelled() => {}
                }
                continue;
            }
            let records = entries.iter().map(to_record).collect::<Result<Vec<_>>>()?;
            insist(&sink, records, &tail, &metrics, &mut rate, &drain).await;
            (tail, ()) = tail.on_pool(Tail::advance).await?;
            metrics.forwarded.inc_by(entries.len() as u64);
        }
    }
}

/// Repeats until the log has taken the batch. A log that refuses for good is repeated too, slowly: only an operator can
/// mend it, and the decisions must not be lost meanwhile.
async fn insist(
    sink: &TopicSink,
    records: Vec<NewRecord>,
    tail: &Tail,
    metrics: &Metrics,
    rate: &mut FillRate,
    drain: &Shutdown,
) {
    let mut wait = PAUSE_MIN;
    while let Err(error) = sink.ship(records.clone()).await {
        metrics.forward_failures.inc();
        figures(tail, metrics, rate);
        if wait == PAUSE_MIN {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(
                error,
                topic = CAUSAL_DECISIONS,
                "the log does not take decisions; they wait in the journal"
            );
        }
        if drain.is_cancelled() {
            // The deadline is near, so attempts stay frequent.
            tokio::time::sleep(PAUSE_MIN).await;
        } else {
            pause(wait, drain).await;
            wait = (wait * 2).min(PAUSE_MAX);
        }
    }
}

/// Waits, but not into the drain.
async fn pause(wait: Duration, drain: &Shutdown) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = drain.cancelled() => {}
    }
}

fn figures(tail: &Tail, metrics: &Metrics, rate: &mut FillRate) {
    let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let used = gauge(tail.view.bytes_used());
    metrics.journal_bytes.set(used);
    let room = metrics.journal_bytes_max.get().saturating_sub(used);
    rate.observe(Instant::now(), metrics.journal_appended_bytes.get());
    metrics
        .journal_hours_left
        .set(rate.hours_left(u64::try_from(room).unwrap_or(0)));
    let next = tail.cursor.get().unwrap_or(0);
    metrics
        .journal_waiting
        .set(gauge(tail.view.end_offset().saturating_sub(next)));
}

/// A topic record: key = user id, CloudEvents headers, the payload as journaled.
fn to_record(entry: &Entry) -> Result<NewRecord> {
    let spooled = Spooled::decode(&entry.payload).with_context(|| format!("offset {}", entry.offset))?;
    let payload = entry.payload.slice(entry.payload.len() - spooled.payload.len()..);
    Ok(NewRecord::keyed(spooled.user_id.as_bytes().to_vec(), payload)
        .header(headers::SPEC_VERSION, "1.0")
        .header(headers::ID, spooled.decision_id.as_bytes().to_vec())
        .header(headers::TYPE, "ceteris.decision")
        .header(headers::SOURCE, "ceteris/decide")
        .header(headers::TIME, spooled.decided_at.to_string().into_bytes())
        .header(headers::SCHEMA, DECISION_SCHEMA_VERSION))
}
