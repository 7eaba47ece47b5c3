//! Vacuum: what no version within the retention needs is deleted, data files first, then the log that named them.
//!
//! Ages are told by the store's own clock, as the distance to the newest commit: the clock of a writer may follow events
//! and run through months in a minute, while a reader of flesh and blood holds a version. The horizon is the newest
//! checkpoint whose commit has reached the retention. Versions before it can no longer be opened; every version from it
//! on stays whole. A file that the horizon knows as removed is named by none of them.

use tokio::time::{Duration, Instant};

use crate::delta::log::Entry;
use crate::error::LakeError;
use crate::row::Row;
use crate::table::Table;

/// Objects that one vacuum deletes at the most; what is left waits for the next.
const DELETES_MAX: usize = 5_000;

/// Versions before the newest that stay whatever their age: a handle that is a little behind finds its next commits.
const VERSIONS_MIN: u64 = 100;

/// What a vacuum did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vacuumed {
    pub data_files: usize,
    pub log_files: usize,
    pub more: bool,
}

impl<R: Row> Table<R> {
    /// Deletes what is older than `retention`, unless that was done less than `every` ago by this handle.
    pub(crate) async fn vacuum(&self, retention: Duration, every: Duration) -> Result<Vacuumed, LakeError> {
        let mut vacuumed = self.inner.vacuumed.lock().await;
        if vacuumed.is_some_and(|at| at.elapsed() < every) {
            return Ok(Vacuumed::default());
        }
        let log = &self.inner.log;
        let entries = log.entries().await?;
        let Some(horizon) = horizon(&entries, retention) else {
            *vacuumed = Some(Instant::now());
            return Ok(Vacuumed::default());
        };
        let mut done = Vacuumed::default();
        // The log goes last, so that a log without old entries says that the data files are gone too.
        let mut old: Vec<Entry> = (entries.into_iter())
            .filter(|entry| entry.version < horizon)
            .collect();
        if !old.is_empty()
            && let Some(then) = log.read_checkpoint(horizon).await?
        {
            let mut state = self.inner.state.lock().await;
            log.refresh(&mut state).await?;
            let gone: Vec<String> = (then.removed.into_keys())
                // Tombstones that this handle has dropped are those of earlier calls.
                .filter(|path| state.removed.contains_key(path) && !state.files.contains_key(path))
                .collect();
            drop(state);
            let chunk = &gone[..gone.len().min(DELETES_MAX)];
            let paths = chunk.iter().map(|path| log.data_path(path));
            done.data_files = log.delete(paths.collect::<Result<_, _>>()?).await?;
            let mut state = self.inner.state.lock().await;
            chunk.iter().for_each(|path| drop(state.removed.remove(path)));
            drop(state);
            done.more = gone.len() > DELETES_MAX;
            if !done.more {
                done.more = old.len() > DELETES_MAX;
                old.sort_unstable_by_key(|entry| entry.version);
                old.truncate(DELETES_MAX);
                done.log_files = log
                    .delete(old.into_iter().map(|entry| log.entry_path(entry)).collect())
                    .await?;
            }
        }
        *vacuumed = (!done.more).then(Instant::now);
        Ok(done)
    }
}

/// The newest checkpoint whose commit is at least `retention`, and [`VERSIONS_MIN`] versions, older than the newest one.
fn horizon(entries: &[Entry], retention: Duration) -> Option<u64> {
    let commits = || entries.iter().filter(|entry| !entry.checkpoint);
    let newest = commits().max_by_key(|entry| entry.version)?;
    let until = newest
        .written_ms
        .saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
    let aged = |version| commits().any(|commit| commit.version == version && commit.written_ms <= until);
    (entries.iter())
        .filter(|entry| {
            entry.checkpoint && entry.written_ms <= until && entry.version + VERSIONS_MIN <= newest.version
        })
        .map(|entry| entry.version)
        .filter(|version| aged(*version))
        .max()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ceteris_contract::time::Timestamp;
    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::lake::Lake;
    use crate::maintain::Maintenance;
    use crate::offsets::Offsets;

    const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

    fn at(partition: u32, next: u64) -> Offsets {
        Offsets::from([(("t".to_owned(), partition), next)])
    }

    #[tokio::test]
    async fn who_slept_through_the_retention_finds_the_log_again() {
        let store = Arc::new(InMemory::new());
        let awake = Lake::over(store.clone(), Path::default(), 1, NOW).await.unwrap();
        let (sleeper, other) = (
            Lake::load_over(store.clone(), Path::default()).await.unwrap(),
            Lake::load_over(store, Path::default()).await.unwrap(),
        );
        let mut expected = Offsets::new();
        for next in 1..=350 {
            let next = at(0, next);
            awake
                .decisions()
                .append(Vec::new(), &next, &expected, NOW)
                .await
                .unwrap();
            expected = next;
        }
        let how = Maintenance {
            retention: Duration::ZERO,
            ..Maintenance::default()
        };
        let done = awake.maintain_with(NOW, &how).await.unwrap();
        assert!(done.log_files_deleted >= 200, "{done:?}");

        // The version after theirs lies in a hole, which looks like the log's end.
        for lake in [&sleeper, &other] {
            lake.decisions().inner.state.lock().await.looked = None;
        }
        assert_eq!(sleeper.decisions().offsets().await.unwrap(), expected);
        let landed = other
            .decisions()
            .append(Vec::new(), &at(1, 4), &Offsets::new(), NOW)
            .await
            .unwrap();
        assert_eq!(landed, 351, "nothing lands in the hole");
        assert_eq!(awake.decisions().snapshot(None).await.unwrap().version, 351);
    }

    fn entry(version: u64, checkpoint: bool, written_ms: i64) -> Entry {
        Entry {
            version,
            checkpoint,
            written_ms,
        }
    }

    #[test]
    fn the_horizon_is_the_newest_checkpoint_that_has_reached_the_retention() {
        let mut entries: Vec<Entry> = (0..=300)
            .map(|version| entry(version, false, version as i64 * 1000))
            .collect();
        assert_eq!(horizon(&entries, Duration::ZERO), None, "no checkpoint");
        entries.extend([100, 200, 300].map(|version| entry(version, true, version as i64 * 1000 + 1)));
        assert_eq!(
            horizon(&entries, Duration::ZERO),
            Some(200),
            "the newest versions stay"
        );
        assert_eq!(horizon(&entries, Duration::from_secs(99)), Some(200));
        assert_eq!(
            horizon(&entries, Duration::from_secs(100)),
            Some(100),
            "the checkpoint came a little later"
        );
        assert_eq!(horizon(&entries, Duration::from_secs(200)), None);
    }
}
