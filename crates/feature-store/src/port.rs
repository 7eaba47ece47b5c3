//! The port: blobs of units by slot, a fenced marker beside them, and reads that know what they do not know.

use async_trait::async_trait;
use bytes::Bytes;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;

use crate::error::StoreError;

/// One partition of the log under one feature schema: what has a marker and an owner.
///
/// The schema is part of it, so that the units of a problem that is new here are unknown until its own marker stands,
/// and never absent under another problem's marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// What the blobs mean.
    pub schema: SchemaHash,
    /// `unit.bucket(P)`: murmur2(user_id) mod P, as the log's partition.
    pub partition: u16,
}

/// A nonce that its holder draws; whoever claims last owns the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(pub u64);

/// How far a slot's blobs have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Who owns the slot.
    pub owner: Owner,
    /// The log offset after the last event that the blobs hold.
    pub next_offset: u64,
    /// When that was so, by the owner's clock.
    pub at: Timestamp,
}

/// A unit's blob to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Whose.
    pub unit: UnitKey,
    /// The encoded state; `None` deletes it.
    pub blob: Option<Bytes>,
}

/// What a read knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The unit's blob; its slot is current.
    Found(Bytes),
    /// The slot is current and has no blob: a new unit, for which defaults are right.
    Absent,
    /// Nothing is known; defaults would be made up.
    Unknown(Unknown),
}

/// Why a read knows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing was ever flushed to the slot.
    NoMarker,
    /// The slot has not moved for longer than `stale_after`.
    Stale {
        /// The marker's instant.
        at: Timestamp,
    },
    /// The backend failed, was too slow, or is not asked for now.
    Failed(String),
}

impl Unknown {
    /// A stable code for metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Unknown::NoMarker => "no_marker",
            Unknown::Stale { .. } => "stale",
            Unknown::Failed(_) => "failed",
        }
    }
}

/// Unit blobs and partition markers.
///
/// A flush is atomic: after any failure or kill the blobs and the marker are those before it or those after it. A
/// caller that drops the future of a change does not know which.
#[async_trait]
pub trait FeatureStore: Send + Sync {
    /// Number of partitions P, a power of two up to 4 096.
    fn partitions(&self) -> u16;

    /// Makes `owner` the owner of the slot and returns the marker as the last one left it, under the new owner; `None`
    /// if nothing was ever flushed: the log is read from its beginning.
    ///
    /// # Errors
    /// [`StoreError`], as everywhere here.
    async fn claim(&self, slot: Slot, owner: Owner) -> Result<Option<Marker>, StoreError>;

    /// Writes blobs and moves the marker to (`next_offset`, `at`) at once. Without writes only the marker moves: that
    /// is how an idle slot stays current. Where a unit appears twice the last write counts.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if `owner` does not own the slot, [`StoreError::MovedBack`] if the marker stands beyond
    /// `next_offset`; nothing is written then.
    async fn flush(
        &self,
        slot: Slot,
        owner: Owner,
        writes: Vec<Write>,
        next_offset: u64,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Drops the slot's blobs and its marker, keeping the owner: the beginning of a rebuild.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    async fn reset(&self, slot: Slot, owner: Owner) -> Result<(), StoreError>;

    /// The slot's marker, if anything was flushed.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn marker(&self, slot: Slot) -> Result<Option<Marker>, StoreError>;

    /// The owner's own read: blobs as last flushed, in the order of `units`, whatever the marker's age.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn blobs(&self, slot: Slot, units: &[UnitKey]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// A decision's read at `now`. It never errs: what cannot be had is [`Read::Unknown`].
    async fn read(&self, schema: SchemaHash, unit: Unit, now: Timestamp) -> Read;
}
