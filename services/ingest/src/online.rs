//! The unit states of one problem on one partition: in memory, written behind to the feature store.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::UnitKey;
use ceteris_contract::time::Timestamp;
use ceteris_feature_store::{FeatureStore, Owner, Slot, Write};
use ceteris_features::{Applied, UnitState, ViewSet};

use crate::metrics::Metrics;
use crate::trouble::Trouble;

/// Units of one flush: a flush is one script, and Redis answers nobody else while it runs.
pub(crate) const FLUSH_UNITS_MAX: usize = 10_000;
/// The instant of a marker whose blobs are not whole yet. It is so old that no reader trusts the slot.
pub(crate) const UNFINISHED: Timestamp = Timestamp(0);

/// What does not change about a slot.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) store: Arc<dyn FeatureStore>,
    pub(crate) views: Arc<ViewSet>,
    pub(crate) slot: Slot,
    pub(crate) owner: Owner,
}

/// Online features of one slot.
pub(crate) struct Online {
    place: Place,
    states: HashMap<UnitKey, UnitState>,
    changed: BTreeSet<UnitKey>,
    /// Where the marker was left.
    flushed: Option<(u64, Timestamp)>,
    next: u64,
}

impl Online {
    /// Goes on from a marker; without one, from the log's beginning.
    pub(crate) fn at(place: Place, marker: Option<(u64, Timestamp)>) -> Self {
        Online {
            place,
            states: HashMap::new(),
            changed: BTreeSet::new(),
            flushed: marker,
            next: marker.map_or(0, |(next, _)| next),
        }
    }

    /// The offset that the next record has to have.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The offset after the last record that the store holds.
    pub(crate) fn durable(&self) -> u64 {
        self.flushed.map_or(0, |(next, _)| next)
    }

    /// Brings the states of these units into memory.
    pub(crate) async fn load(&mut self, units: &BTreeSet<UnitKey>) -> Result<(), Trouble> {
        let missing: Vec<UnitKey> = units
            .iter()
            .filter(|unit| !self.states.contains_key(unit))
            .copied()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let blobs = self.place.store.blobs(self.place.slot, &missing).await?;
        let views = &self.place.views;
        for (unit, blob) in missing.into_iter().zip(blobs) {
            let state = match blob {
                Some(blob) => UnitState::decode(views, &blob)
                    .context("a stored unit state cannot be read")
                    .map_err(Trouble::halt)?,
                None => UnitState::new(views),
            };
            self.states.insert(unit, state);
        }
        Ok(())
    }

    /// Moves past a record; the event, if it became one, changes its unit's state.
    pub(crate) fn take(&mut self, offset: u64, event: Option<&StoredEvent>, metrics: &Metrics) {
        if offset < self.next {
            return;
        }
        self.next = offset + 1;
        let Some(event) = event else { return };
        let state = self
            .states
            .entry(event.unit.key)
            .or_insert_with(|| UnitState::new(&self.place.views));
        let applied = state.apply(&self.place.views, event);
        if let Applied::Refused { why, .. } = &applied {
            metrics.view_refusals.with_label_values(&[why.code()]).inc();
        }
        if applied.changed() {
            self.changed.insert(event.unit.key);
        }
    }

    /// Writes changed states and the marker; without changes the marker alone, where it moved or `always`.
    ///
    /// More units than one flush takes go ahead under the old marker: after a kill their events come again, and find
    /// themselves known.
    pub(crate) async fn flush(
        &mut self,
        now: Timestamp,
        always: bool,
        metrics: &Metrics,
    ) -> Result<(), Trouble> {
        if self.changed.is_empty() && self.flushed.is_some_and(|(next, _)| next == self.next) && !always {
            return Ok(());
        }
        let Place {
            store,
            views,
            slot,
            owner,
        } = &self.place;
        let changed: Vec<UnitKey> = std::mem::take(&mut self.changed).into_iter().collect();
        let (before, before_at) = self.flushed.unwrap_or((0, UNFINISHED));
        let mut rest = &changed[..];
        loop {
            let (some, after) = rest.split_at(rest.len().min(FLUSH_UNITS_MAX));
            rest = after;
            let encoded = some.iter().filter_map(|unit| {
                let blob = Bytes::from(self.states.get(unit)?.encode(views));
                Some(Write {
                    unit: *unit,
                    blob: Some(blob),
                })
            });
            let writes: Vec<Write> = encoded.collect();
            let (next, at) = match rest.is_empty() {
                true => (self.next, now),
                false => (before, before_at),
            };
            let count = writes.len() as u64;
            store.flush(*slot, *owner, writes, next, at).await?;
            metrics.flushed_units.inc_by(count);
            if rest.is_empty() {
                self.flushed = Some((next, at));
                return Ok(());
            }
        }
    }

    /// Drops states that are written, if more than `max` are held.
    pub(crate) fn shrink(&mut self, max: usize) {
        if self.states.len() > max {
            let changed = &self.changed;
            self.states.retain(|unit, _| changed.contains(unit));
        }
    }
}
