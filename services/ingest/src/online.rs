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

/// Online features of one slot.
pub(crate) struct Online {
    views: Arc<ViewSet>,
    slot: Slot,
    owner: Owner,
    store: Arc<dyn FeatureStore>,
    states: HashMap<UnitKey, UnitState>,
    changed: BTreeSet<UnitKey>,
    flushed: Option<u64>,
    next: u64,
}

impl Online {
    /// Claims the slot. Its position is the marker's; without one it starts from the log's beginning.
    pub(crate) async fn claim(
        store: Arc<dyn FeatureStore>,
        views: Arc<ViewSet>,
        partition: u16,
        owner: Owner,
    ) -> anyhow::Result<(Self, Option<Timestamp>)> {
        let slot = Slot {
            schema: views.schema(),
            partition,
        };
        let marker = store
            .claim(slot, owner)
            .await
            .context("claim a feature partition")?;
        let flushed = marker.as_ref().map(|marker| marker.next_offset);
        let next = flushed.unwrap_or(0);
        let online = Online {
            views,
            slot,
            owner,
            store,
            states: HashMap::new(),
            changed: BTreeSet::new(),
            flushed,
            next,
        };
        Ok((online, marker.map(|marker| marker.at)))
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Brings the states of these units into memory.
    pub(crate) async fn load(&mut self, units: &BTreeSet<UnitKey>) -> anyhow::Result<()> {
        let missing: Vec<UnitKey> = units
            .iter()
            .filter(|unit| !self.states.contains_key(unit))
            .copied()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let blobs = self
            .store
            .blobs(self.slot, &missing)
            .await
            .context("read unit states")?;
        for (unit, blob) in missing.into_iter().zip(blobs) {
            let state = match blob {
                Some(blob) => {
                    UnitState::decode(&self.views, &blob).context("a stored unit state cannot be read")?
                }
                None => UnitState::new(&self.views),
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
            .or_insert_with(|| UnitState::new(&self.views));
        let applied = state.apply(&self.views, event);
        if let Applied::Refused { why, .. } = &applied {
            metrics.view_refusals.with_label_values(&[why.code()]).inc();
        }
        if applied.changed() {
            self.changed.insert(event.unit.key);
        }
    }

    /// Writes changed states and the marker; without changes the marker alone, where it moved or `always`.
    pub(crate) async fn flush(
        &mut self,
        now: Timestamp,
        always: bool,
        metrics: &Metrics,
    ) -> anyhow::Result<()> {
        if self.changed.is_empty() && self.flushed == Some(self.next) && !always {
            return Ok(());
        }
        let changed = std::mem::take(&mut self.changed);
        let writes: Vec<Write> = changed
            .iter()
            .filter_map(|unit| {
                let blob = Bytes::from(self.states.get(unit)?.encode(&self.views));
                Some(Write {
                    unit: *unit,
                    blob: Some(blob),
                })
            })
            .collect();
        let count = writes.len() as u64;
        self.store
            .flush(self.slot, self.owner, writes, self.next, now)
            .await
            .context("flush unit states")?;
        self.flushed = Some(self.next);
        metrics.flushed_units.inc_by(count);
        Ok(())
    }

    /// Drops states that are written, if more than `max` are held.
    pub(crate) fn shrink(&mut self, max: usize) {
        if self.states.len() > max {
            let changed = &self.changed;
            self.states.retain(|unit, _| changed.contains(unit));
        }
    }
}
