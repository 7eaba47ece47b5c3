//! The slots in memory: the rules of owner, marker and blobs, and the one way a change is applied.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::{SHARDS, Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;

use crate::error::StoreError;
use crate::port::{Marker, Owner, Read, Slot, Unknown, Write};

/// A change of one slot, after it was allowed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Claim {
        owner: Owner,
    },
    Flush {
        writes: Vec<Write>,
        next_offset: u64,
        at: Timestamp,
    },
    Reset,
}

/// One slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SlotState {
    pub(crate) owner: Option<Owner>,
    /// Next offset and instant of the last flush.
    pub(crate) place: Option<(u64, Timestamp)>,
    pub(crate) blobs: HashMap<UnitKey, Bytes>,
}

impl SlotState {
    pub(crate) fn marker(&self) -> Option<Marker> {
        let (next_offset, at) = self.place?;
        Some(Marker {
            owner: self.owner?,
            next_offset,
            at,
        })
    }

    /// Refuses what the owner may not do.
    pub(crate) fn check(&self, owner: Owner, change: &Change) -> Result<(), StoreError> {
        if matches!(change, Change::Claim { .. }) {
            return Ok(());
        }
        if self.owner != Some(owner) {
            return Err(StoreError::Fenced {
                owner: self.owner,
                asked: owner,
            });
        }
        match (change, self.place) {
            (Change::Flush { next_offset, .. }, Some((marker, _))) if *next_offset < marker => {
                Err(StoreError::MovedBack {
                    marker,
                    asked: *next_offset,
                })
            }
            _ => Ok(()),
        }
    }

    /// Applies a change; returns by how much the bytes held have grown.
    pub(crate) fn apply(&mut self, change: Change) -> i64 {
        match change {
            Change::Claim { owner } => {
                self.owner = Some(owner);
                0
            }
            Change::Flush {
                writes,
                next_offset,
                at,
            } => {
                self.place = Some((next_offset, at));
                writes.into_iter().map(|write| self.write(write)).sum()
            }
            Change::Reset => {
                self.place = None;
                let gone: i64 = self.blobs.values().map(weight).sum();
                self.blobs.clear();
                -gone
            }
        }
    }

    fn write(&mut self, write: Write) -> i64 {
        let new = write.blob.as_ref().map_or(0, weight);
        let old = match write.blob {
            Some(blob) => self.blobs.insert(write.unit, blob),
            None => self.blobs.remove(&write.unit),
        };
        new - old.as_ref().map_or(0, weight)
    }
}

/// What a blob takes in a journal: key, length, bytes.
pub(crate) fn weight(blob: &Bytes) -> i64 {
    blob.len() as i64 + 21
}

/// All slots of a store. Each has its own lock, so that a flush of one holds up no reader of another.
#[derive(Debug)]
pub(crate) struct Slots {
    partitions: u16,
    stale_after: Span,
    all: RwLock<BTreeMap<Slot, Arc<RwLock<SlotState>>>>,
}

impl Slots {
    pub(crate) fn new(partitions: u16, stale_after: Span) -> Result<Self, StoreError> {
        if !partitions.is_power_of_two() || partitions > SHARDS {
            return Err(StoreError::Partitions { partitions });
        }
        Ok(Slots {
            partitions,
            stale_after,
            all: RwLock::default(),
        })
    }

    pub(crate) fn partitions(&self) -> u16 {
        self.partitions
    }

    /// Every slot, in order.
    pub(crate) fn all(&self) -> BTreeMap<Slot, Arc<RwLock<SlotState>>> {
        shared(&self.all).clone()
    }

    /// Puts `all` in place of what is there.
    pub(crate) fn replace(&self, all: BTreeMap<Slot, SlotState>) {
        let all = all
            .into_iter()
            .map(|(slot, state)| (slot, Arc::new(RwLock::new(state))))
            .collect();
        *exclusive(&self.all) = all;
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<Arc<RwLock<SlotState>>> {
        shared(&self.all).get(&slot).cloned()
    }

    pub(crate) fn entry(&self, slot: Slot) -> Arc<RwLock<SlotState>> {
        match self.get(slot) {
            Some(state) => state,
            None => Arc::clone(exclusive(&self.all).entry(slot).or_default()),
        }
    }

    pub(crate) fn marker(&self, slot: Slot) -> Option<Marker> {
        shared(&*self.get(slot)?).marker()
    }

    pub(crate) fn blobs(&self, slot: Slot, units: &[UnitKey]) -> Vec<Option<Bytes>> {
        let Some(state) = self.get(slot) else {
            return vec![None; units.len()];
        };
        let state = shared(&state);
        units.iter().map(|unit| state.blobs.get(unit).cloned()).collect()
    }

    pub(crate) fn read(&self, schema: SchemaHash, unit: Unit, now: Timestamp) -> Read {
        let slot = Slot {
            schema,
            partition: unit.bucket(self.partitions),
        };
        let Some(state) = self.get(slot) else {
            return Read::Unknown(Unknown::NoMarker);
        };
        let state = shared(&state);
        match state.place {
            None => Read::Unknown(Unknown::NoMarker),
            Some((_, at)) if at.plus(self.stale_after) < now => Read::Unknown(Unknown::Stale { at }),
            Some(_) => state
                .blobs
                .get(&unit.key)
                .cloned()
                .map_or(Read::Absent, Read::Found),
        }
    }
}

/// Locks for reading. A panic elsewhere leaves no half-made change behind, for changes are applied by plain moves.
pub(crate) fn shared<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing.
pub(crate) fn exclusive<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
