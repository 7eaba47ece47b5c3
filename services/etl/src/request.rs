//! What a run is asked for, and what it works with.

use std::path::Path;
use std::sync::Arc;

use ceteris_contract::identity::{SHARDS, Unit};
use ceteris_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::EtlError;

/// Which dataset to make. Everything the rows depend on besides the problem and the lake.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The instant up to which the world is known: a row whose windows end later is no row yet.
    pub as_of: Timestamp,
    /// How far the log has come: an outage of ingest is no outcome 0.
    pub watermarks: Watermarks,
    /// Draws the controls.
    pub seed: u64,
    /// Version of the lake's table `events`; the newest where it is left out. The table `decisions` is pinned at its
    /// newest.
    pub lake_version: Option<u64>,
}

/// Up to when all events are in the lake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Watermarks {
    /// Of the whole log.
    All(Timestamp),
    /// Of each partition of the log, a power of two many.
    ByPartition(Vec<Timestamp>),
}

impl Watermarks {
    pub(crate) fn check(&self) -> Result<(), EtlError> {
        match self {
            Watermarks::ByPartition(marks) => {
                let count = marks.len();
                if !count.is_power_of_two() || count > usize::from(SHARDS) {
                    return Err(EtlError::Watermarks { count });
                }
                Ok(())
            }
            Watermarks::All(_) => Ok(()),
        }
    }

    /// The watermark of the unit's partition.
    pub fn of(&self, unit: Unit) -> Timestamp {
        match self {
            Watermarks::All(mark) => *mark,
            Watermarks::ByPartition(marks) => marks
                .get(usize::from(unit.shard) % marks.len().max(1))
                .copied()
                .unwrap_or_default(),
        }
    }
}

/// What a run works with. Nothing here changes a row.
pub struct Workers<'a> {
    /// Where units are replayed; as many buckets are worked on at once as it has threads.
    pub pool: &'a Arc<rayon::ThreadPool>,
    /// Where finished buckets are kept, so that a run that was stopped goes on; nowhere if left out. The folder is the
    /// ETL's own: parts of other plans in it are removed.
    pub work_dir: Option<&'a Path>,
    /// Told after each bucket.
    pub progress: &'a (dyn Fn(Progress) + Send + Sync),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which pass.
    pub stage: Stage,
    /// Buckets done in it.
    pub done: usize,
    /// Buckets in it.
    pub total: usize,
}

/// A pass over the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Counting opportunities.
    Plan,
    /// Making rows.
    Buckets,
}
