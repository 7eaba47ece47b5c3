//! The store port: what the tracker writes through and the CLI reads through.

use async_trait::async_trait;
use ceteris_contract::time::Timestamp;

use crate::error::StoreError;
use crate::logged::Logged;

/// Records of one topic partition, in offset order, with the positions they cover.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The position the writer believes the store is at.
    pub expected_next: u64,
    /// The position after this batch; records that could not be read are skipped by it too.
    pub next: u64,
    /// The records.
    pub records: Vec<Logged>,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Rows that are new.
    pub inserted: u64,
    /// Records whose decision was stored before.
    pub repeated: u64,
}

/// Decisions and outcomes at rest.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Writes the batch and moves the position in one transaction. A decision id is stored once: what comes again under
    /// it, in this batch or a later one and at whatever instant, counts as repeated and changes nothing.
    ///
    /// After an error that may be retried the batch may have landed all the same, its answer lost: the position tells.
    ///
    /// # Errors
    /// [`StoreError::Moved`] if the store's position is not `expected_next`: another writer was here.
    /// [`StoreError::Refused`] if the database refuses some of the records. Nothing was written in either case.
    async fn append(&self, batch: &Batch) -> Result<Appended, StoreError>;

    /// The next offset to take from a topic partition; 0 where nothing was taken.
    async fn next_offset(&self, topic: &str, partition: u32) -> Result<u64, StoreError>;

    /// Up to `limit` decisions in (decided_at, decision_id) order, at or after `since` and behind `after`.
    async fn decisions(
        &self,
        since: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: u32,
    ) -> Result<Vec<Logged>, StoreError>;

    /// How many decisions are stored.
    async fn count(&self) -> Result<u64, StoreError>;
}
