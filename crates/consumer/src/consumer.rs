//! The loop: records, assignments and revocations come in as messages, and the sink is asked what it can take. Neither the
//! log nor the sink has to be there all the time.

use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_chassis::backoff::Backoff;
use ceteris_contract::topics::dead_letters;
use ceteris_stream::{
    Disposition, EventLog, HasDisposition, Message, StreamError, Subscription, dead_letter_topic,
};
use prometheus::{IntCounter, IntGaugeVec};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::aside::Aside;
use crate::lag::{Gauge, Lag};
use crate::partitions::Partitions;
use crate::sink::Sink;

/// Pauses after the log did not answer.
const PAUSE: Duration = Duration::from_millis(100);
/// A log that is back after hours is found within this.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long a group is kept waiting for the last writes of partitions that it gives to another member.
const REVOKE_PATIENCE: Duration = Duration::from_secs(5);

/// What is consumed.
#[derive(Clone, Debug)]
pub struct Source {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The topic.
    pub topic: &'static str,
    /// The consumer group, and the middle of the dead-letter topic's name.
    pub group: &'static str,
}

/// What the loop counts.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Calls of the log that failed and are tried again.
    pub retries: IntCounter,
    /// Records between a partition's end and its position of record. The last label is the partition.
    pub lag: IntGaugeVec,
    /// The values of the labels before it.
    pub lag_labels: Vec<&'static str>,
}

/// Brings the records of a topic to `sink` until `shutdown`; what was read by then is written first, as far as it can be.
///
/// # Errors
/// What no patience mends: a fence of the log, or whatever the sink says so of. A log that is away is waited for.
pub async fn consume<S: Sink>(
    source: Source,
    sink: S,
    measures: Measures,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let Some(subscription) = join::<S>(&source, &measures, &shutdown).await? else {
        return Ok(());
    };
    let gauge = Gauge::new(measures.lag.clone(), measures.lag_labels.clone());
    let consumer = Consumer {
        lag: Lag::watch(source.log.clone(), source.topic, gauge),
        aside: Aside::new(dead_letters(source.topic, source.group)),
        source,
        measures,
        subscription,
        sink,
        partitions: Partitions::default(),
        reading: Backoff::new(PAUSE, PAUSE_MAX),
        setting_aside: Backoff::new(PAUSE, PAUSE_MAX),
    };
    consumer.work(shutdown).await
}

/// Joins the group as soon as the log answers; none where `shutdown` comes first.
async fn join<S: Sink>(
    source: &Source,
    measures: &Measures,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<Box<dyn Subscription>>> {
    let Source { log, topic, group } = source;
    let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
    loop {
        let joining = async {
            if S::DEAD_LETTERS {
                dead_letter_topic(&**log, topic, group).await?;
            }
            log.subscribe(topic, group).await
        };
        let error = match joining.await {
            Ok(subscription) => return Ok(Some(subscription)),
            Err(error) => error,
        };
        if error.disposition() != Disposition::Retry {
            return Err(error).with_context(|| format!("subscribe to {topic}"));
        }
        let pause = note(measures, topic, &mut backoff, "subscribe", &error);
        tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = sleep(pause) => {}
        }
    }
}

struct Consumer<S> {
    source: Source,
    measures: Measures,
    subscription: Box<dyn Subscription>,
    sink: S,
    partitions: Partitions,
    aside: Aside,
    lag: Lag,
    /// The log as far as it is read.
    reading: Backoff,
    /// The log as far as it takes what is set aside.
    setting_aside: Backoff,
}

impl<S: Sink> Consumer<S> {
    async fn work(mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        loop {
            let (reads, writes) = (self.reading.is_due(), self.aside.is_empty());
            let rested = self.rested();
            let message = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                // While something waits to be set aside, the sink may not do what it would wake for.
                woken = self.sink.wake(), if writes => {
                    woken?;
                    None
                }
                () = rested => None,
                message = self.subscription.next(), if reads => Some(message),
            };
            match message {
                Some(Ok(message)) => {
                    self.reading.succeeded();
                    self.handle(message).await?;
                }
                Some(Err(error)) => self.unread(error)?,
                None => {}
            }
            self.advance().await?;
        }
        let drained = self.drain(&self.partitions.numbers()).await;
        self.show_lag();
        self.lag.commit(&mut *self.subscription).await;
        drained
    }

    /// Returns when a pause of the log is over; without one, never.
    fn rested(&self) -> impl Future<Output = ()> + use<S> {
        let reading = self.reading.until().filter(|_| !self.reading.is_due());
        let aside = self.setting_aside.until().filter(|_| !self.aside.is_empty());
        let until: Option<Instant> = reading.into_iter().chain(aside).min();
        async move {
            match until {
                Some(until) => sleep_until(until).await,
                None => pending().await,
            }
        }
    }

    async fn handle(&mut self, message: Message) -> anyhow::Result<()> {
        match message {
            Message::Assigned(partitions) => {
                for partition in partitions {
                    self.partitions.hold(partition);
                    self.sink.assigned(partition);
                }
            }
            Message::Records(mut records) => {
                self.partitions.keep_held(&mut records);
                self.sink.take(records, &mut self.aside).await?;
            }
            Message::Revoked(partitions) => self.revoke(&partitions).await?,
            Message::EndOfPartition { partition, .. } => self.partitions.reached_the_end(partition),
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
                if self.partitions.passed(*partition, *offset) {
                    self.sink
                        .pass(*partition, *offset, &error.to_string(), &mut self.aside);
                }
                Ok(())
            }
            (_, Disposition::Retry) => {
                note(
                    &self.measures,
                    self.source.topic,
                    &mut self.reading,
                    "read",
                    &error,
                );
                Ok(())
            }
            // Where nobody knows which record is at fault, nothing may pass it.
            _ => Err(error).with_context(|| format!("read {}", self.source.topic)),
        }
    }

    /// Sends what is set aside, lets the sink attach and write, and reads on where it can take more.
    async fn advance(&mut self) -> anyhow::Result<()> {
        loop {
            self.send_aside().await?;
            if !self.aside.is_empty() {
                break;
            }
            self.sink.attach().await?;
            let caught_up = self.partitions.are_caught_up();
            self.sink.write_due(caught_up, &mut self.aside).await?;
            if self.aside.is_empty() {
                break;
            }
        }
        let open = self.aside.is_empty();
        for partition in self.partitions.numbers() {
            let next = self.sink.next(partition).filter(|_| open);
            if !self
                .partitions
                .read_on(partition, next, &mut *self.subscription)?
            {
                self.let_go(partition);
            }
        }
        self.show_lag();
        self.lag.commit_if_due(&mut *self.subscription).await;
        Ok(())
    }

    /// Sends what is set aside, if the log may be asked.
    async fn send_aside(&mut self) -> anyhow::Result<()> {
        if self.aside.is_empty() || !self.setting_aside.is_due() {
            return Ok(());
        }
        match self.aside.send(&*self.source.log).await {
            Ok(()) => {
                self.setting_aside.succeeded();
                Ok(())
            }
            Err(error) if error.disposition() == Disposition::Retry => {
                note(
                    &self.measures,
                    self.source.topic,
                    &mut self.setting_aside,
                    "set records aside",
                    &error,
                );
                Ok(())
            }
            Err(error) => Err(error).with_context(|| format!("set records of {} aside", self.source.topic)),
        }
    }

    /// Writes what is in hand, as far as that can be done while the group waits, and lets go.
    async fn revoke(&mut self, partitions: &[u32]) -> anyhow::Result<()> {
        match timeout(REVOKE_PATIENCE, self.drain(partitions)).await {
            Ok(drained) => drained?,
            Err(_) => tracing::warn!(
                topic = self.source.topic,
                ?partitions,
                "let go without a last write; the next owner reads on from the last one"
            ),
        }
        for partition in partitions {
            self.let_go(*partition);
        }
        Ok(())
    }

    /// Writes what waits of these partitions. What does not get through is read again from the positions of record on.
    async fn drain(&mut self, partitions: &[u32]) -> anyhow::Result<()> {
        loop {
            self.send_aside().await?;
            if !self.aside.is_empty() {
                return Ok(());
            }
            self.sink.drain(partitions, &mut self.aside).await?;
            if self.aside.is_empty() {
                return Ok(());
            }
        }
    }

    fn let_go(&mut self, partition: u32) {
        self.partitions.release(partition);
        self.sink.released(partition);
        self.aside.forget(partition);
        self.lag.forget(partition);
    }

    fn show_lag(&self) {
        for partition in self.partitions.numbers() {
            // While the position of record is not known, the one that was known stays.
            if let Some(next) = self.sink.durable(partition) {
                self.lag.reached(partition, next);
            }
        }
    }
}

/// Notes a passing fault of the log, once, where it is handled; gives the pause.
fn note(
    measures: &Measures,
    topic: &str,
    backoff: &mut Backoff,
    what: &str,
    error: &(dyn Error + 'static),
) -> Duration {
    let pause = backoff.failed();
    measures.retries.inc();
    tracing::warn!(
        error,
        topic,
        pause_ms = pause.as_millis() as u64,
        "the log is away, cannot {what} for now; trying again"
    );
    pause
}
