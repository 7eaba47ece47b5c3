//! Maintenance: what keeps a table's reads from growing with its age. Whoever runs it, and however many do so at once
//! beside writers and readers, no row is lost and no version within the retention goes.

use std::time::Duration;

use ceteris_contract::time::Timestamp;

use crate::error::LakeError;
use crate::lake::Lake;
use crate::row::Row;
use crate::table::Table;

/// How much maintenance does, and what it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Files merged by one call and table, at the most: each is a commit that writers race with.
    pub merges_max: usize,
    /// How long replaced files and old versions stay, by the store's clock. Longer than the longest read, and than an
    /// hour.
    pub retention: Duration,
    /// How often a handle looks for what has reached the retention: it lists the log's folder.
    pub vacuum_every: Duration,
}

impl Default for Maintenance {
    fn default() -> Self {
        Maintenance {
            merges_max: 32,
            retention: Duration::from_secs(7 * 86_400),
            vacuum_every: Duration::from_secs(3600),
        }
    }
}

/// What maintenance did, both tables together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Small files replaced by merged ones.
    pub files_merged: usize,
    /// The merged ones.
    pub files_added: usize,
    /// Data files deleted that no version within the retention names.
    pub files_deleted: usize,
    /// Commits and checkpoints deleted.
    pub log_files_deleted: usize,
    /// There is more to do than one call does.
    pub more: bool,
}

impl Lake {
    /// Merges small files, writes a checkpoint where one is due, and deletes what has been replaced for a week. To be
    /// called every minute or so by anyone who writes; a call's work is bounded.
    ///
    /// # Errors
    /// Whatever the store answers; what was done until then stands, and the next call goes on.
    pub async fn maintain(&self, now: Timestamp) -> Result<Maintained, LakeError> {
        self.maintain_with(now, &Maintenance::default()).await
    }

    /// As [`Lake::maintain`], with other bounds.
    ///
    /// # Errors
    /// As [`Lake::maintain`].
    pub async fn maintain_with(&self, now: Timestamp, how: &Maintenance) -> Result<Maintained, LakeError> {
        let mut done = Maintained::default();
        maintain(self.events(), now, how, &mut done).await?;
        maintain(self.decisions(), now, how, &mut done).await?;
        Ok(done)
    }
}

async fn maintain<R: Row>(
    table: &Table<R>,
    now: Timestamp,
    how: &Maintenance,
    done: &mut Maintained,
) -> Result<(), LakeError> {
    let (compacted, more) = table.compact_some(now, how.merges_max).await?;
    done.files_merged += compacted.files_removed;
    done.files_added += compacted.files_added;
    done.more |= more;
    let mut state = table.inner.state.lock().await;
    table.checkpoint(&mut state, now.0.div_euclid(1000)).await;
    drop(state);
    let vacuumed = table.vacuum(how.retention, how.vacuum_every).await?;
    done.files_deleted += vacuumed.data_files;
    done.log_files_deleted += vacuumed.log_files;
    done.more |= vacuumed.more;
    Ok(())
}
