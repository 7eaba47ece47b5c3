//! The store port: what the tracker writes through and the CLI reads through.

use async_trait::async_trait;
use ceteris_contract::disposition::Disposition;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;

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
    pub records: Vec<DecisionRecord>,
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
    /// Writes the batch and moves the position in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Moved`] if the store's position is not `expected_next`: another writer was here, nothing was
    /// written.
    async fn append(&self, batch: Batch) -> Result<Appended, StoreError>;

    /// The next offset to take from a topic partition; 0 where nothing was taken.
    async fn next_offset(&self, topic: &str, partition: u32) -> Result<u64, StoreError>;

    /// Up to `limit` decisions in (decided_at, decision_id) order, at or after `since` and behind `after`.
    async fn decisions(
        &self,
        since: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError>;

    /// How many decisions are stored.
    async fn count(&self) -> Result<u64, StoreError>;
}

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be opened.
    #[error("cannot open the decision store at {place}")]
    Open {
        /// Where it lies.
        place: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("cannot migrate the decision store at {place}")]
    Migrate {
        /// Where it lies.
        place: String,
        /// The cause.
        #[source]
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// A statement failed.
    #[error("cannot {operation} decisions")]
    Query {
        /// What was tried.
        operation: &'static str,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The position is not where the writer left it.
    #[error("{topic}/{partition} stands at {actual}, not at {expected}: another writer moved it")]
    Moved {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where the writer believed it was.
        expected: u64,
        /// Where it is.
        actual: u64,
    },
    /// A stored record cannot be read.
    #[error("the stored record of decision {decision_id} cannot be read")]
    Record {
        /// Which.
        decision_id: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

impl StoreError {
    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            StoreError::Open { .. } | StoreError::Query { .. } => Disposition::Retry,
            StoreError::Migrate { .. } | StoreError::Moved { .. } => Disposition::Halt,
            StoreError::Record { .. } => Disposition::Park,
        }
    }
}
