//! The port in memory alone: for tests, and for a process that rebuilds from the log at every start.

use async_trait::async_trait;
use bytes::Bytes;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;

use crate::error::StoreError;
use crate::port::{FeatureStore, Marker, Owner, Read, Slot, Write};
use crate::slots::{Change, Slots, exclusive};

/// Blobs and markers that end with the process.
#[derive(Debug)]
pub struct MemoryStore {
    slots: Slots,
}

impl MemoryStore {
    /// An empty store.
    ///
    /// # Errors
    /// [`StoreError::Partitions`].
    pub fn new(partitions: u16, stale_after: Span) -> Result<Self, StoreError> {
        Ok(MemoryStore {
            slots: Slots::new(partitions, stale_after)?,
        })
    }

    fn change(&self, slot: Slot, owner: Owner, change: Change) -> Result<Option<Marker>, StoreError> {
        let state = self.slots.entry(slot);
        let mut state = exclusive(&state);
        state.check(owner, &change)?;
        state.apply(change);
        Ok(state.marker())
    }
}

#[async_trait]
impl FeatureStore for MemoryStore {
    fn partitions(&self) -> u16 {
        self.slots.partitions()
    }

    async fn claim(&self, slot: Slot, owner: Owner) -> Result<Option<Marker>, StoreError> {
        self.change(slot, owner, Change::Claim { owner })
    }

    async fn flush(
        &self,
        slot: Slot,
        owner: Owner,
        writes: Vec<Write>,
        next_offset: u64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(
            slot,
            owner,
            Change::Flush {
                writes,
                next_offset,
                at,
            },
        )
        .map(|_| ())
    }

    async fn reset(&self, slot: Slot, owner: Owner) -> Result<(), StoreError> {
        self.change(slot, owner, Change::Reset).map(|_| ())
    }

    async fn marker(&self, slot: Slot) -> Result<Option<Marker>, StoreError> {
        Ok(self.slots.marker(slot))
    }

    async fn blobs(&self, slot: Slot, units: &[UnitKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        Ok(self.slots.blobs(slot, units))
    }

    async fn read(&self, schema: SchemaHash, unit: Unit, now: Timestamp) -> Read {
        self.slots.read(schema, unit, now)
    }
}
