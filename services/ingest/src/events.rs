//! `user_events` into lake and features: check, set aside, bring to both.
//!
//! Lake and feature slots are places, each with its own position of record. A place that fails is left, and the others go
//! on; once it answers again it is attached at its position, and the partition is read again from there: what a place
//! has taken in already it skips. A partition none of whose places is followed is paused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::backoff::Backoff;
use ceteris_consumer::{Aside, Sink};
use ceteris_contract::duration::Span;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::UnitKey;
use ceteris_contract::problem::Source;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_feature_store::Slot;
use ceteris_features::ViewSet;
use ceteris_lake::{EventRow, LogPosition};
use ceteris_stream::{ConsumedRecord, Disposition, HasDisposition};
use tokio::time::Instant;

use crate::check::{Checked, check};
use crate::lake_buffer::LakeBuffer;
use crate::metrics::Metrics;
use crate::online::Place;
use crate::rebuild;
use crate::slot::SlotPlace;
use crate::{Config, Deps};

/// An idle worker moves its markers when its clock has gone on this far, so that readers know the features are current.
const MARKER_INTERVAL: Span = Span(5_000_000);
/// How long the slots are left alone after the log did not tell where it begins.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct EventSink {
    config: Config,
    deps: Deps,
    metrics: Metrics,
    topic: Arc<str>,
    partitions: u32,
    views: Vec<Arc<ViewSet>>,
    held: BTreeMap<u32, Held>,
    lake: LakeBuffer<EventRow>,
    flushed_at: Instant,
    marked_at: Timestamp,
    /// The log as far as it tells where it begins.
    beginning: Backoff,
}

/// A partition this worker holds.
struct Held {
    slots: Vec<SlotPlace>,
    /// What cannot be taken in before this offset has been set aside.
    aside: u64,
}

impl EventSink {
    pub(crate) async fn new(config: Config, deps: Deps, metrics: Metrics) -> anyhow::Result<EventSink> {
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
        Ok(EventSink {
            lake: LakeBuffer::new(deps.lake.events().clone(), USER_EVENTS, metrics.clone()),
            config,
            deps,
            metrics,
            topic: Arc::from(USER_EVENTS),
            partitions,
            views,
            held: BTreeMap::new(),
            flushed_at: Instant::now(),
            marked_at: Timestamp::default(),
            beginning: Backoff::new(FIRST_PAUSE, FIRST_PAUSE),
        })
    }

    /// Attaches the slots that are due.
    async fn attach_slots(&mut self) -> anyhow::Result<()> {
        let mut slots = self.held.values().flat_map(|held| &held.slots);
        if !slots.any(SlotPlace::is_due) || !self.beginning.is_due() {
            return Ok(());
        }
        let first = match self.deps.log.first_offsets(USER_EVENTS).await {
            Ok(first) => first,
            Err(error) if error.disposition() == Disposition::Halt => {
                return Err(error).context("read the beginning of user_events");
            }
            Err(_) => {
                self.beginning.failed();
                return Ok(());
            }
        };
        for (partition, held) in &mut self.held {
            let first = first.get(*partition as usize).copied().unwrap_or(0);
            for slot in held.slots.iter_mut().filter(|slot| slot.is_due()) {
                slot.attach(first, &self.deps.clock, &self.metrics).await?;
            }
        }
        Ok(())
    }

    /// Whether a record was not yet dealt with, or a place has not had it.
    fn is_news(&self, record: &ConsumedRecord) -> bool {
        let (partition, offset) = (record.partition, record.offset);
        let aside = self.held.get(&partition).map_or(0, |held| held.aside);
        offset >= aside || self.places(partition).flatten().any(|next| next <= offset)
    }

    /// What each place of a partition is to take next; none where it is left.
    fn places(&self, partition: u32) -> impl Iterator<Item = Option<u64>> {
        let held = self.held.get(&partition);
        let slots = held.into_iter().flat_map(|held| &held.slots);
        slots.map(SlotPlace::next).chain([self.lake.next(partition)])
    }

    /// Sets aside what was not yet: a record that is read again for one place has been dealt with for the others.
    fn set_aside(
        &mut self,
        record: &ConsumedRecord,
        checked: Checked,
        aside: &mut Aside,
    ) -> Option<StoredEvent> {
        let held = self.held.get_mut(&record.partition)?;
        let known = record.offset < held.aside;
        held.aside = held.aside.max(record.offset + 1);
        match checked {
            Checked::Event(event) => return Some(event),
            Checked::Refused { .. } | Checked::Misplaced { .. } if known => {}
            Checked::Refused { code, detail } => {
                self.metrics.dead_letters.with_label_values(&[code]).inc();
                aside.letter(record, code, &detail);
            }
            Checked::Misplaced { partition, user_id } => {
                self.metrics.forwarded.inc();
                let mut forward = record.to_new().on(partition);
                forward.key = Some(user_id.into());
                aside.forward(record.partition, USER_EVENTS, forward);
            }
        }
        None
    }

    async fn load_units(&mut self, events: &[(ConsumedRecord, Option<StoredEvent>)]) -> anyhow::Result<()> {
        let mut units = BTreeMap::<u32, BTreeSet<UnitKey>>::new();
        for (record, event) in events {
            if let Some(event) = event {
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

    /// Brings a record, and the event that it became, if it did, to the places that have not had it.
    fn bring(&mut self, partition: u32, offset: u64, bytes: usize, event: Option<StoredEvent>) {
        if let Some(event) = &event {
            self.deps.clock.observe(event.ts);
            self.metrics.events.inc();
        }
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
        self.lake.take(partition, offset, bytes, || {
            event.map(|event| EventRow {
                event,
                log: Some(log),
            })
        });
    }

    /// Flushes the slots of these partitions; their markers too, where they moved or `always`.
    async fn flush(&mut self, partitions: &[u32], always: bool) -> anyhow::Result<()> {
        let now = self.deps.clock.now();
        let resident_max = self.units_max();
        let held = self.held.iter_mut();
        let held = held.filter(|(partition, _)| partitions.contains(partition));
        for slot in held.flat_map(|(_, held)| &mut held.slots) {
            slot.flush(now, always, resident_max, &self.metrics).await?;
        }
        if always {
            self.marked_at = now;
        }
        Ok(())
    }

    /// Units of one partition that are held in memory.
    fn units_max(&self) -> usize {
        self.config.resident_units_max / self.partitions.max(1) as usize
    }
}

impl Sink for EventSink {
    const DEAD_LETTERS: bool = true;

    fn assigned(&mut self, partition: u32) {
        let source = rebuild::Source {
            lake: self.deps.lake.events().clone(),
            partitions: self.deps.features.partitions(),
            units_max: self.units_max(),
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
            aside: 0,
        };
        self.lake.hold(partition);
        self.held.insert(partition, held);
    }

    fn released(&mut self, partition: u32) {
        self.held.remove(&partition);
        self.lake.release(partition);
    }

    async fn attach(&mut self) -> anyhow::Result<()> {
        for (partition, next) in self.lake.attach().await? {
            if let Some(held) = self.held.get_mut(&partition) {
                held.aside = held.aside.max(next);
            }
        }
        self.attach_slots().await
    }

    /// Where the place that is furthest behind stands.
    fn next(&self, partition: u32) -> Option<u64> {
        self.places(partition).flatten().min()
    }

    async fn take(&mut self, records: Vec<ConsumedRecord>, aside: &mut Aside) -> anyhow::Result<()> {
        let mut events = Vec::with_capacity(records.len());
        for record in records {
            if self.is_news(&record) {
                let checked = check(&record, self.partitions, &self.deps.identity);
                let event = self.set_aside(&record, checked, aside);
                events.push((record, event));
            }
        }
        self.load_units(&events).await?;
        for (record, event) in events {
            self.bring(record.partition, record.offset, record.payload.len(), event);
        }
        Ok(())
    }

    fn pass(&mut self, partition: u32, offset: u64, detail: &str, _: &mut Aside) {
        self.metrics.pass_over(USER_EVENTS, partition, detail);
        self.bring(partition, offset, 0, None);
    }

    async fn write_due(&mut self, caught_up: bool, _: &mut Aside) -> anyhow::Result<()> {
        if caught_up || self.flushed_at.elapsed() >= self.config.flush_interval {
            let unmarked = self.deps.clock.now() >= self.marked_at.plus(MARKER_INTERVAL);
            let held: Vec<u32> = self.held.keys().copied().collect();
            self.flush(&held, caught_up && unmarked).await?;
            self.flushed_at = Instant::now();
        }
        let now = self.deps.clock.now();
        self.lake.commit_if_due(&self.config, caught_up, now).await
    }

    async fn drain(&mut self, partitions: &[u32], _: &mut Aside) -> anyhow::Result<()> {
        self.flush(partitions, false).await?;
        self.lake.finish(self.deps.clock.now()).await
    }

    async fn wake(&mut self) -> anyhow::Result<()> {
        self.lake.wake().await
    }

    /// Where the place that is furthest behind holds everything; none before all places are attached.
    fn durable(&self, partition: u32) -> Option<u64> {
        let slots = self.held.get(&partition)?.slots.iter().map(SlotPlace::durable);
        slots.chain([self.lake.committed(partition)]).min().flatten()
    }
}
