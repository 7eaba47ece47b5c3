//! The loop over `user_events`: check, set aside, bring to lake and features.
//!
//! Lake and feature slots are places, each with its own position of record. A place that fails is left, and the others go
//! on; once it answers again it is attached at its position, and the partition is read again from there: what a place
//! has taken in already it skips. A partition none of whose places is followed is paused.

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
use ceteris_feature_store::Slot;
use ceteris_features::ViewSet;
use ceteris_lake::{EventRow, LogPosition};
use ceteris_stream::{ConsumedRecord, Message, Subscription, dead_letter_topic};

use crate::aside::Aside;
use crate::check::{Checked, check};
use crate::lag::Lag;
use crate::metrics::Metrics;
use crate::online::Place;
use crate::reading::{REVOKE_PATIENCE, TICK, next, pause_if};
use crate::rebuild;
use crate::sink::Sink;
use crate::slot::SlotPlace;
use crate::trouble::Trouble;
use crate::{Config, Deps, GROUP};

/// An idle worker moves its markers when its clock has gone on this far, so that readers know the features are current.
const MARKER_INTERVAL: Span = Span(5_000_000);
/// How long the first read of the log's beginning may fail before the slots are tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Worker {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    shutdown: Shutdown,
    subscription: Box<dyn Subscription>,
    aside: Aside,
    topic: Arc<str>,
    partitions: u32,
    views: Vec<Arc<ViewSet>>,
    held: BTreeMap<u32, Held>,
    sink: Sink<EventRow>,
    lag: Lag,
    flushed_at: Instant,
    marked_at: Timestamp,
    slots_at: Instant,
}

/// A partition this worker holds.
struct Held {
    slots: Vec<SlotPlace>,
    /// The offset of the next record that comes; none until a place said where to begin.
    position: Option<u64>,
    /// What cannot be taken in before this offset has been set aside.
    aside: u64,
    behind: bool,
    paused: bool,
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
        let aside = Aside {
            log: deps.log.clone(),
            dead_letters,
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        };
        let sink = Sink::new(deps.lake.events().clone(), USER_EVENTS, metrics.clone());
        let lag = Lag::watch(deps.log.clone(), USER_EVENTS, metrics.clone());
        Ok(Worker {
            config,
            deps,
            metrics,
            shutdown,
            subscription,
            aside,
            topic: Arc::from(USER_EVENTS),
            partitions,
            views,
            held: BTreeMap::new(),
            sink,
            lag,
            flushed_at: Instant::now(),
            marked_at: Timestamp::default(),
            slots_at: Instant::now(),
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
                Some(Message::Records(records)) => {
                    if !self.take(records).await? {
                        break;
                    }
                }
                Some(Message::EndOfPartition { partition, .. }) => {
                    if let Some(held) = self.held.get_mut(&partition) {
                        held.behind = false;
                    }
                }
                None => self.report().await,
            }
            self.attach().await?;
            self.write_what_is_due().await?;
        }
        self.finish().await
    }

    fn hold(&mut self, partition: u32) {
        let source = rebuild::Source {
            lake: self.deps.lake.events().clone(),
            partitions: self.deps.features.partitions(),
            units_max: self.config.resident_units_max / self.partitions.max(1) as usize,
        };
        let slots = self.views.iter().map(|views| {
            let place = Place {
                store: self.deps.features.clone(),
                views: views.clone(),
                slot: Slot {
                    schema: views.schema(),
                    // The store has as many partitions, so the number is one of its own.
                    partition: partition as u16,
                },
                owner: self.deps.owner,
            };
            SlotPlace::new(place, source.clone())
        });
        let held = Held {
            slots: slots.collect(),
            position: None,
            aside: 0,
            behind: true,
            paused: false,
        };
        self.sink.hold(partition);
        self.held.insert(partition, held);
    }

    /// Attaches the places that are due, and moves the reading back to where they stand.
    async fn attach(&mut self) -> anyhow::Result<()> {
        let mut starts = self.sink.attach().await?;
        for (partition, next) in &starts {
            if let Some(held) = self.held.get_mut(partition) {
                held.aside = held.aside.max(*next);
            }
        }
        let due = self
            .held
            .values()
            .flat_map(|held| &held.slots)
            .any(SlotPlace::is_due);
        if due && Instant::now() >= self.slots_at {
            match self
                .deps
                .log
                .first_offsets(USER_EVENTS)
                .await
                .map_err(Trouble::from)
            {
                Ok(first) => {
                    for (partition, held) in &mut self.held {
                        let first = first.get(*partition as usize).copied().unwrap_or(0);
                        for slot in held.slots.iter_mut().filter(|slot| slot.is_due()) {
                            let next = slot.attach(first, &self.deps.clock, &self.metrics).await?;
                            starts.extend(next.map(|next| (*partition, next)));
                        }
                    }
                }
                Err(Trouble::Halt(error)) => return Err(error.context("read the beginning of user_events")),
                Err(_) => self.slots_at = Instant::now() + FIRST_PAUSE,
            }
        }
        for (partition, start) in starts {
            let Some(held) = self.held.get_mut(&partition) else {
                continue;
            };
            if held.position.is_none_or(|position| start < position) {
                self.subscription
                    .seek(partition, start)
                    .context("seek to the position of record")?;
                held.position = Some(start);
                held.behind = true;
            }
        }
        for (partition, held) in &mut self.held {
            let followed =
                self.sink.follows(*partition) || held.slots.iter_mut().any(|slot| slot.following().is_some());
            pause_if(!followed, &mut held.paused, *partition, &mut *self.subscription)?;
        }
        Ok(())
    }

    /// Writes what is in hand, as far as that can be done while the group waits, and lets go.
    async fn revoke(&mut self, partitions: &[u32]) -> anyhow::Result<()> {
        match tokio::time::timeout(REVOKE_PATIENCE, self.write_all()).await {
            Ok(written) => written?,
            Err(_) => {
                tracing::warn!(
                    ?partitions,
                    "let go without a last write; the next owner reads on from the last one"
                );
            }
        }
        for partition in partitions {
            self.held.remove(partition);
            self.sink.release(*partition);
            self.lag.forget(*partition);
        }
        Ok(())
    }

    /// Takes records in. False where the worker is to end before they could be set aside.
    async fn take(&mut self, records: Vec<ConsumedRecord>) -> anyhow::Result<bool> {
        let mut checked = Vec::with_capacity(records.len());
        for record in records {
            let (partition, offset) = (record.partition, record.offset);
            let Some(held) = self.held.get_mut(&partition) else {
                continue;
            };
            held.position = Some(offset + 1);
            let news = offset >= held.aside
                || self.sink.wants(partition, offset)
                || held
                    .slots
                    .iter_mut()
                    .any(|slot| slot.following().is_some_and(|online| online.next() <= offset));
            if news {
                let found = check(&record, self.partitions, &self.deps.identity);
                checked.push((record, found));
            }
        }
        if !self.set_aside(&mut checked).await? {
            return Ok(false);
        }
        self.load_units(&checked).await?;
        for (record, checked) in checked {
            self.bring(record, checked);
        }
        Ok(true)
    }

    /// Sets aside what was not yet: a record that is read again for one place has been dealt with for the others.
    async fn set_aside(&mut self, checked: &mut [(ConsumedRecord, Checked)]) -> anyhow::Result<bool> {
        for (record, checked) in checked.iter_mut() {
            let known = self.held.get(&record.partition).map_or(0, |held| held.aside);
            if record.offset < known && !matches!(checked, Checked::Event(_)) {
                *checked = Checked::Known;
            }
        }
        if !self.aside.set(checked).await? {
            return Ok(false);
        }
        for (record, _) in checked {
            if let Some(held) = self.held.get_mut(&record.partition) {
                held.aside = held.aside.max(record.offset + 1);
            }
        }
        Ok(true)
    }

    async fn load_units(&mut self, checked: &[(ConsumedRecord, Checked)]) -> anyhow::Result<()> {
        let mut units = BTreeMap::<u32, BTreeSet<UnitKey>>::new();
        for (record, checked) in checked {
            if let Checked::Event(event) = checked {
                units.entry(record.partition).or_default().insert(event.unit.key);
            }
        }
        for (partition, units) in &units {
            for slot in self
                .held
                .get_mut(partition)
                .into_iter()
                .flat_map(|held| &mut held.slots)
            {
                slot.load(units, &self.metrics).await?;
            }
        }
        Ok(())
    }

    /// Brings a record to the places that have not had it.
    fn bring(&mut self, record: ConsumedRecord, checked: Checked) {
        let event = match checked {
            Checked::Event(event) => Some(event),
            Checked::Misplaced { .. } | Checked::Refused { .. } | Checked::Known => None,
        };
        if let Some(event) = &event {
            self.deps.clock.observe(event.ts);
            self.metrics.events.inc();
        }
        let (partition, offset) = (record.partition, record.offset);
        let slots = self
            .held
            .get_mut(&partition)
            .into_iter()
            .flat_map(|held| &mut held.slots);
        for online in slots.filter_map(SlotPlace::following) {
            online.take(offset, event.as_ref(), &self.metrics);
        }
        let log = LogPosition {
            topic: self.topic.clone(),
            partition,
            offset,
        };
        self.sink.take(partition, offset, record.payload.len(), || {
            event.map(|event| EventRow {
                event,
                log: Some(log),
            })
        });
    }

    async fn write_what_is_due(&mut self) -> anyhow::Result<()> {
        let caught_up = self.held.values().all(|held| !held.behind);
        if caught_up || self.flushed_at.elapsed() >= self.config.flush_interval {
            let unmarked = self.deps.clock.now() >= self.marked_at.plus(MARKER_INTERVAL);
            self.flush(caught_up && unmarked).await?;
        }
        let now = self.deps.clock.now();
        self.sink.commit_if_due(&self.config, caught_up, now).await
    }

    async fn flush(&mut self, always: bool) -> anyhow::Result<()> {
        let now = self.deps.clock.now();
        let resident_max = self.config.resident_units_max / self.partitions.max(1) as usize;
        for slot in self.held.values_mut().flat_map(|held| &mut held.slots) {
            slot.flush(now, always, resident_max, &self.metrics).await?;
        }
        self.flushed_at = Instant::now();
        if always {
            self.marked_at = now;
        }
        Ok(())
    }

    async fn write_all(&mut self) -> anyhow::Result<()> {
        self.flush(false).await?;
        self.sink.finish(self.deps.clock.now()).await
    }

    /// Tells how far the places are, for those who watch lag.
    async fn report(&mut self) {
        for (partition, held) in &self.held {
            let slots = held.slots.iter().map(SlotPlace::durable);
            let places = slots.chain([self.sink.committed(*partition)]);
            // Before a place is attached, where it stands is not known, and what is known stays.
            if let Some(least) = places.min().flatten() {
                self.lag.reached(*partition, least);
            }
        }
        self.lag.commit(&mut *self.subscription).await;
    }

    async fn finish(mut self) -> anyhow::Result<()> {
        let written = self.write_all().await;
        self.report().await;
        written
    }
}
