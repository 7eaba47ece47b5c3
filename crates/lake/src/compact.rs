//! Compaction: the small files of a partition become one, so that a bucket's read does not grow with the number of
//! commits. Replaced files stay for readers of older versions until a vacuum.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use ceteris_contract::time::{DAY_US, Timestamp};
use futures::{StreamExt, TryStreamExt, stream};

use crate::commit::{Precondition, land};
use crate::delta::action::{Action, Add, CommitInfo, Remove};
use crate::delta::log::Log;
use crate::delta::state::State;
use crate::error::LakeError;
use crate::parquet_file::{self, Fault};
use crate::partition::{Place, describe, name};
use crate::row::Row;
use crate::snapshot::READS_AT_ONCE;
use crate::table::Table;

/// Files below this are small.
const SMALL_BYTES: i64 = 4 << 20;
/// A merged file takes in at most this much, which bounds the memory of a compaction.
const MERGED_BYTES_MAX: i64 = 32 << 20;
/// Fewer small files than this are left alone: merging them would rewrite more than it saves.
const FILES_MIN: usize = 8;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Small files replaced.
    pub files_removed: usize,
    /// Files that replace them.
    pub files_added: usize,
}

/// The files to be replaced are still live.
struct Live<'a>(&'a [Add]);

impl Precondition for Live<'_> {
    fn check(&self, state: &State) -> Result<(), LakeError> {
        match self.0.iter().find(|add| !state.files.contains_key(&add.path)) {
            Some(gone) => Err(LakeError::Superseded {
                path: gone.path.clone(),
            }),
            None => Ok(()),
        }
    }
}

impl<R: Row> Table<R> {
    /// Merges the small files of every partition that has many, one commit a merged file. Rows and offsets stay as
    /// they are. Appends of others go on meanwhile; where another compaction was faster, its work stands.
    ///
    /// # Errors
    /// Whatever the store answers; partitions merged until then stay merged.
    pub async fn compact(&self, now: Timestamp) -> Result<Compacted, LakeError> {
        self.compact_some(now, usize::MAX).await.map(|(done, _)| done)
    }

    /// As [`Table::compact`], `merges_max` merged files at the most; tells also whether there is more to do.
    pub(crate) async fn compact_some(
        &self,
        now: Timestamp,
        merges_max: usize,
    ) -> Result<(Compacted, bool), LakeError> {
        let small = {
            let mut state = self.inner.state.lock().await;
            self.inner.log.refresh(&mut state).await?;
            small_files(&state)
        };
        let mut merges = (small.into_iter())
            .flat_map(|(place, files)| groups(files).into_iter().map(move |group| (place, group)));
        let mut done = Compacted::default();
        for (place, group) in merges.by_ref().take(merges_max) {
            match self.merge(place, &group, now).await {
                Ok(()) => {
                    done.files_removed += group.len();
                    done.files_added += 1;
                }
                Err(LakeError::Superseded { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((done, merges.next().is_some()))
    }

    async fn merge(&self, place: Place, group: &[Add], now: Timestamp) -> Result<(), LakeError> {
        let now_ms = now.0.div_euclid(1000);
        let log = &self.inner.log;
        let reads: Vec<_> = group.iter().map(|add| part(log, add)).collect();
        let parts: Vec<(String, Bytes)> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        let label = format!("merge of {} by {now_ms}", group.len());
        let merged = tokio::task::spawn_blocking(move || {
            let (bytes, rows) = merge_files(&parts, R::schema())?;
            Ok::<_, LakeError>((name(&label, &bytes), bytes, rows))
        });
        let (name, bytes, rows) = merged.await.map_err(|source| LakeError::Worker { source })??;
        let add = describe(place, &name, bytes.len(), rows, now_ms, false);
        let path = log.objects.path(&add.path);
        log.objects.put(&add.path, bytes).await?;

        let mut actions = vec![Action::CommitInfo(CommitInfo::new("OPTIMIZE", now_ms))];
        actions.extend(group.iter().map(|old| {
            Action::Remove(Remove {
                path: old.path.clone(),
                deletion_timestamp: Some(now_ms),
                data_change: false,
            })
        }));
        let added = add.path.clone();
        actions.push(Action::Add(add));
        let mut state = self.inner.state.lock().await;
        match land(log, &mut state, &actions, &Live(group)).await {
            Ok(_) => {
                self.checkpoint(&mut state, now_ms).await;
                Ok(())
            }
            Err(error) => {
                // Ours is a file that no version names, unless another compaction made the very same one.
                let orphan =
                    matches!(error, LakeError::Superseded { .. }) && !state.files.contains_key(&added);
                if orphan && let Err(error) = log.delete(vec![path]).await {
                    tracing::warn!(
                        lake.table = R::TABLE,
                        error = &error as &dyn std::error::Error,
                        "a merged file that came too late stays"
                    );
                }
                Err(error)
            }
        }
    }
}

async fn part(log: &Log, add: &Add) -> Result<(String, Bytes), LakeError> {
    let bytes = log.objects.get_at(&log.data_path(&add.path)?).await?;
    // A vacuum may have taken a file that another compaction replaced.
    let bytes = bytes.ok_or_else(|| LakeError::Superseded {
        path: add.path.clone(),
    })?;
    Ok((add.path.clone(), bytes))
}

/// The small files of the partitions that have enough of them.
fn small_files(state: &State) -> BTreeMap<Place, Vec<Add>> {
    let mut places: BTreeMap<Place, Vec<Add>> = BTreeMap::new();
    for add in state.files.values().filter(|add| add.size < SMALL_BYTES) {
        if let Some(place) = place_of(add) {
            places.entry(place).or_default().push(add.clone());
        }
    }
    places.retain(|_, files| files.len() >= FILES_MIN);
    places
}

fn place_of(add: &Add) -> Option<Place> {
    let midnight = Timestamp::parse(&format!("{}T00:00:00Z", add.partition_value("dt")?))?;
    Some((midnight.0 / DAY_US, add.partition_value("bucket")?.parse().ok()?))
}

/// Runs of files that fit into one merged file, at least two each.
fn groups(files: Vec<Add>) -> Vec<Vec<Add>> {
    let mut groups: Vec<Vec<Add>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += file.size;
        match groups.last_mut() {
            Some(group) if bytes <= MERGED_BYTES_MAX => group.push(file),
            _ => {
                bytes = file.size;
                groups.push(vec![file]);
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

fn merge_files(parts: &[(String, Bytes)], schema: SchemaRef) -> Result<(Bytes, usize), LakeError> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    for (path, bytes) in parts {
        let read = parquet_file::decode(bytes.clone(), None, |batch| {
            batches.push(in_schema(batch, &schema)?);
            Ok(())
        });
        read.map_err(|source| LakeError::file(path, source))?;
    }
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let bytes =
        parquet_file::encode(&batches, &[]).map_err(|source| LakeError::encode("a merged file", source))?;
    Ok((bytes, rows))
}

/// The batch with its columns in our order; files of other writers may have another.
fn in_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Fault> {
    let columns = (schema.fields().iter())
        .map(|field| {
            let found = batch.column_by_name(field.name()).cloned();
            found.ok_or_else(|| format!("the column {} is missing", field.name()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
