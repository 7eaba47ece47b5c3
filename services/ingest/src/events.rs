//! The loop over `user_events`: check, dead-letter, apply, buffer, write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_chassis::Shutdown;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::UnitKey;
use ceteris_contract::problem::Source;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_features::ViewSet;
use ceteris_lake::{EventRow, LogPosition};
use ceteris_stream::{ConsumedRecord, Message, NewRecord, Subscription, dead_letter, dead_letter_topic};

use crate::check::{Checked, check};
use crate::metrics::Metrics;
use crate::online::Online;
use crate::sink::Sink;
use crate::{Config, Deps, GROUP};

/// How often due writes are looked for while nothing arrives.
const TICK: Duration = Duration::from_millis(100);
/// An idle worker moves its markers when its clock has gone on this far, so that readers know the features are current.
const MARKER_INTERVAL: Span = Span(5_000_000);

pub(crate) struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    shutdown: Shutdown,
    subscription: Box<dyn Subscription>,
    dead_letters: String,
    topic: Arc<str>,
    partitions: u32,
    views: Vec<Arc<ViewSet>>,
    online: BTreeMap<u32, Vec<Online>>,
    sink: Sink<EventRow>,
    behind: BTreeSet<u32>,
    flushed_at: Instant,
    marked_at: Timestamp,
}

impl Worker {
    pub(crate) async fn start(
        config: Config,
        deps: Deps,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let partitions = deps
            .log
            .partitions(USER_EVENTS)
            .await
            .context("read the partitions of user_events")?;
        anyhow::ensure!(
            partitions == u32::from(deps.features.partitions()),
            "user_events has {partitions} partitions, the feature store {}; they must be equal",
            deps.features.partitions()
        );
        let views = deps
            .problems
            .iter()
            .filter(|problem| matches!(problem.source, Source::Events { .. }))
            .map(|problem| ViewSet::compile(problem).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .context("compile the feature views")?;
        let dead_letters = dead_letter_topic(&*deps.log, USER_EVENTS, GROUP)
            .await
            .context("create the dlq")?;
        let subscription = deps
            .log
            .subscribe(USER_EVENTS, GROUP)
            .await
            .context("subscribe to user_events")?;
        let sink = Sink::new(deps.lake.events().clone(), USER_EVENTS);
        Ok(Worker {
            config,
            deps,
            metrics,
            shutdown,
            subscription,
            dead_letters,
            topic: Arc::from(USER_EVENTS),
            partitions,
            views,
            online: BTreeMap::new(),
            sink,
            behind: BTreeSet::new(),
            flushed_at: Instant::now(),
            marked_at: Timestamp::default(),
        })
    }

    pub(crate) async fn work(mut self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            let message = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                message = self.subscription.next() => Some(message.context("read events")?),
                _ = tick.tick() => None,
            };
            match message {
                Some(Message::Assigned(partitions)) => self.assign(partitions).await?,
                Some(Message::Revoked(partitions)) => self.revoke(&partitions).await?,
                Some(Message::Records(records)) => self.take(records).await?,
                Some(Message::EndOfPartition { partition, .. }) => {
                    self.behind.remove(&partition);
                }
                None => {}
            }
            self.write_what_is_due().await?;
        }
        self.flush(false).await?;
        self.commit().await
    }

    async fn assign(&mut self, partitions: Vec<u32>) -> anyhow::Result<()> {
        for partition in partitions {
            let mut start = self.sink.assign(partition).await?;
            let mut slots = Vec::with_capacity(self.views.len());
            for views in &self.views {
                let store = self.deps.features.clone();
                let (online, at) =
                    Online::claim(store, views.clone(), partition as u16, self.deps.owner).await?;
                start = start.min(online.next());
                self.deps.clock.observe(at.unwrap_or_default());
                slots.push(online);
            }
            self.online.insert(partition, slots);
            self.subscription
                .seek(partition, start)
                .context("seek to the position of record")?;
            self.behind.insert(partition);
        }
        Ok(())
    }

    async fn revoke(&mut self, partitions: &[u32]) -> anyhow::Result<()> {
        self.flush(false).await?;
        self.commit().await?;
        for partition in partitions {
            self.online.remove(partition);
            self.behind.remove(partition);
        }
        Ok(())
    }

    async fn take(&mut self, records: Vec<ConsumedRecord>) -> anyhow::Result<()> {
        let checked: Vec<(ConsumedRecord, Checked)> = records
            .into_iter()
            .map(|record| {
                let checked = check(&record, self.partitions, &self.deps.identity);
                (record, checked)
            })
            .collect();
        self.set_aside(&checked).await?;
        self.load_units(&checked).await?;
        for (record, checked) in checked {
            let event = match checked {
                Checked::Event(event) => Some(event),
                Checked::Misplaced { .. } | Checked::Refused { .. } => None,
            };
            if let Some(event) = &event {
                self.deps.clock.observe(event.ts);
                self.metrics.events.inc();
            }
            for online in self.online.get_mut(&record.partition).into_iter().flatten() {
                online.take(record.offset, event.as_ref(), &self.metrics);
            }
            let log = LogPosition {
                topic: self.topic.clone(),
                partition: record.partition,
                offset: record.offset,
            };
            self.sink.take(record.partition, record.offset, || {
                event.map(|event| EventRow {
                    event,
                    log: Some(log),
                })
            });
        }
        Ok(())
    }

    /// Keeps refused records and forwards misplaced ones, before any position passes them.
    async fn set_aside(&mut self, checked: &[(ConsumedRecord, Checked)]) -> anyhow::Result<()> {
        let mut letters = Vec::new();
        let mut forwards = Vec::new();
        for (record, checked) in checked {
            match checked {
                Checked::Event(_) => {}
                Checked::Refused { code, detail } => {
                    self.metrics.dead_letters.with_label_values(&[code]).inc();
                    letters.push(dead_letter(record, code, detail));
                }
                Checked::Misplaced { partition, user_id } => {
                    self.metrics.forwarded.inc();
                    let mut forward: NewRecord = record.to_new().on(*partition);
                    forward.key = Some(user_id.clone().into());
                    forwards.push(forward);
                }
            }
        }
        if !letters.is_empty() {
            self.deps
                .log
                .produce(&self.dead_letters, letters)
                .await
                .context("keep dead letters")?;
        }
        if !forwards.is_empty() {
            self.deps
                .log
                .produce(USER_EVENTS, forwards)
                .await
                .context("forward misplaced events")?;
        }
        Ok(())
    }

    async fn load_units(&mut self, checked: &[(ConsumedRecord, Checked)]) -> anyhow::Result<()> {
        let mut units = BTreeMap::<u32, BTreeSet<UnitKey>>::new();
        for (record, checked) in checked {
            if let Checked::Event(event) = checked {
                units.entry(record.partition).or_default().insert(event.unit.key);
            }
        }
        for (partition, units) in &units {
            for online in self.online.get_mut(partition).into_iter().flatten() {
                online.load(units).await?;
            }
        }
        Ok(())
    }

    async fn write_what_is_due(&mut self) -> anyhow::Result<()> {
        let caught_up = self.behind.is_empty();
        if caught_up || self.flushed_at.elapsed() >= self.config.flush_interval {
            let unmarked = self.deps.clock.now() >= self.marked_at.plus(MARKER_INTERVAL);
            self.flush(caught_up && unmarked).await?;
        }
        let waited = self
            .sink
            .waiting_since()
            .map_or(Duration::ZERO, |since| since.elapsed());
        let due = self.sink.rows() >= self.config.commit_rows
            || (caught_up && waited >= self.config.commit_interval);
        if due { self.commit().await } else { Ok(()) }
    }

    async fn flush(&mut self, always: bool) -> anyhow::Result<()> {
        let now = self.deps.clock.now();
        for online in self.online.values_mut().flatten() {
            online.flush(now, always, &self.metrics).await?;
            online.shrink(self.config.resident_units_max / self.partitions.max(1) as usize);
        }
        self.flushed_at = Instant::now();
        if always {
            self.marked_at = now;
        }
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let rows = self.sink.commit(self.deps.clock.now()).await?;
        self.metrics.lake_rows.with_label_values(&["events"]).inc_by(rows);
        Ok(())
    }
}
