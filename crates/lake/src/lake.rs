//! A lake: its two tables under one root of an object store.

use std::sync::Arc;

use ceteris_contract::identity::SHARDS;
use ceteris_contract::time::Timestamp;
use ceteris_objects::Objects;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::decisions::DecisionRow;
use crate::error::LakeError;
use crate::events::EventRow;
use crate::table::Table;

/// The tables `events` and `decisions` of one root. Clones share their tables.
#[derive(Clone, Debug)]
pub struct Lake {
    events: Table<EventRow>,
    decisions: Table<DecisionRow>,
}

impl Lake {
    /// Opens the lake in a folder and creates what is missing. `buckets` is a power of two up to 4096 and must be
    /// that of the creation; `now` dates the tables where they are new.
    ///
    /// # Errors
    /// [`LakeError::InvalidBuckets`], [`LakeError::BucketsMismatch`], and whatever the store answers.
    pub async fn open(
        folder: impl AsRef<std::path::Path>,
        buckets: u16,
        now: Timestamp,
    ) -> Result<Lake, LakeError> {
        let objects = Objects::in_folder(folder.as_ref())?;
        Lake::over(objects.store().clone(), Path::default(), buckets, now).await
    }

    /// Opens the lake that exists in a folder, with the buckets it was created with.
    ///
    /// # Errors
    /// [`LakeError::NoTable`] where there is none.
    pub async fn load(folder: impl AsRef<std::path::Path>) -> Result<Lake, LakeError> {
        let folder = folder.as_ref();
        if !folder.is_dir() {
            return Err(LakeError::NoTable {
                path: folder.display().to_string(),
            });
        }
        let objects = Objects::in_folder(folder)?;
        Lake::load_over(objects.store().clone(), Path::default()).await
    }

    /// As [`Lake::open`], under `prefix` of any object store that can put only if absent.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn over(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        buckets: u16,
        now: Timestamp,
    ) -> Result<Lake, LakeError> {
        if !buckets.is_power_of_two() || buckets > SHARDS {
            return Err(LakeError::InvalidBuckets { buckets });
        }
        Ok(Lake {
            events: Table::open(store.clone(), &prefix, buckets, now).await?,
            decisions: Table::open(store, &prefix, buckets, now).await?,
        })
    }

    /// As [`Lake::load`], under `prefix` of any object store.
    ///
    /// # Errors
    /// As [`Lake::load`].
    pub async fn load_over(store: Arc<dyn ObjectStore>, prefix: Path) -> Result<Lake, LakeError> {
        Ok(Lake {
            events: Table::load(store.clone(), &prefix).await?,
            decisions: Table::load(store, &prefix).await?,
        })
    }

    /// Number of buckets, fixed at creation.
    pub fn buckets(&self) -> u16 {
        self.events.buckets()
    }

    /// What happened.
    pub fn events(&self) -> &Table<EventRow> {
        &self.events
    }

    /// What was decided.
    pub fn decisions(&self) -> &Table<DecisionRow> {
        &self.decisions
    }
}
