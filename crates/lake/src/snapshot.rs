//! A pinned version of a table, and reading it by bucket and column.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::time::Timestamp;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::path::Path;

use crate::decisions::{DecisionRow, collect_decisions};
use crate::delta::log::Log;
use crate::delta::state::State;
use crate::error::LakeError;
use crate::events::{EventColumn, EventRef, EventRow, each_event};
use crate::offsets::Offsets;
use crate::parquet_file::{Fault, decode};

/// Files of one read that are fetched, and decoded, ahead of the reader: enough to hide a store's latency behind small
/// files; with files of at most 32 MiB it bounds what a read holds.
pub(crate) const READS_AT_ONCE: usize = 8;

/// A data file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Where it lies in the store.
    pub path: Path,
    /// The UTC date of its rows, `YYYY-MM-DD`.
    pub dt: String,
    /// The bucket of its rows.
    pub bucket: u16,
    /// Its bytes.
    pub size: u64,
    /// Its rows.
    pub rows: u64,
}

/// A table at one version. What it reads stays the same whatever is appended later.
#[derive(Debug)]
pub struct Snapshot<R> {
    /// The version.
    pub version: u64,
    files: Arc<[DataFile]>,
    offsets: Arc<Offsets>,
    log: Log,
    row: PhantomData<fn() -> R>,
}

impl<R> Clone for Snapshot<R> {
    fn clone(&self) -> Self {
        self.with(self.files.clone())
    }
}

impl<R> Snapshot<R> {
    pub(crate) fn of(log: &Log, state: &State) -> Result<Self, LakeError> {
        let mut files = Vec::with_capacity(state.files.len());
        for add in state.files.values() {
            let missing = |column: &str| LakeError::ForeignTable {
                path: log.objects.root().to_string(),
                detail: format!("the file {} has no {column}", add.path),
            };
            files.push(DataFile {
                path: log.data_path(&add.path)?,
                dt: add.partition_value("dt").ok_or_else(|| missing("dt"))?.to_owned(),
                bucket: (add.partition_value("bucket"))
                    .and_then(|bucket| bucket.parse().ok())
                    .ok_or_else(|| missing("bucket"))?,
                size: u64::try_from(add.size).unwrap_or(0),
                rows: add.num_records().unwrap_or(0),
            });
        }
        Ok(Snapshot {
            version: state.version,
            files: files.into(),
            offsets: Arc::new(state.offsets()),
            log: log.clone(),
            row: PhantomData,
        })
    }

    fn with(&self, files: Arc<[DataFile]>) -> Self {
        Snapshot {
            version: self.version,
            files,
            offsets: self.offsets.clone(),
            log: self.log.clone(),
            row: PhantomData,
        }
    }

    /// The data files in path order: by date, then bucket.
    pub fn files(&self) -> &[DataFile] {
        &self.files
    }

    /// Rows of all files, as their writers counted them.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Where each topic-partition stood.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// The same version with only the files of the dates `from` to `to`, both included. Whole files: rows of those
    /// dates outside the instants are kept.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        let (from, to) = (from.date(), to.date());
        let kept: Vec<DataFile> = self
            .files
            .iter()
            .filter(|file| file.dt >= from && file.dt <= to)
            .cloned()
            .collect();
        self.with(kept.into())
    }

    /// The bytes of the files of a bucket, or of all, in path order.
    fn fetch(&self, bucket: Option<u16>) -> impl Stream<Item = Result<(Path, Bytes), LakeError>> + '_ {
        let files = self
            .files
            .iter()
            .filter(move |file| bucket.is_none_or(|bucket| file.bucket == bucket));
        stream::iter(files)
            .map(move |file| async move {
                let found = self.log.objects.get_at(&file.path).await?;
                let missing = || LakeError::file(file.path.as_ref(), "the log names it, but it is not there");
                Ok((file.path.clone(), found.ok_or_else(missing)?))
            })
            .buffered(READS_AT_ONCE)
    }

    /// Reads the files of a bucket into rows, several files at once, in path order.
    async fn collect<T: Send + 'static>(
        &self,
        bucket: u16,
        read: impl Fn(Bytes) -> Result<Vec<T>, Fault> + Copy + Send + 'static,
    ) -> Result<Vec<T>, LakeError> {
        let files: Vec<Vec<T>> = self
            .fetch(Some(bucket))
            .map_ok(|(path, bytes)| async move {
                let task = tokio::task::spawn_blocking(move || read(bytes));
                let rows = task.await.map_err(|source| LakeError::Worker { source })?;
                rows.map_err(|source| LakeError::file(path.as_ref(), source))
            })
            .try_buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let mut rows = Vec::with_capacity(files.iter().map(Vec::len).sum());
        files.into_iter().for_each(|file| rows.extend(file));
        Ok(rows)
    }
}

impl Snapshot<EventRow> {
    /// Folds `visit` over the events of a bucket, or of all, in path order, and gives the state back. Only the
    /// columns asked for are decoded, the others are empty, zero or none. Decoding and `visit` run on the runtime's
    /// blocking pool, one file after the other.
    ///
    /// # Errors
    /// [`LakeError::MalformedFile`], and whatever the store answers.
    pub async fn scan<A: Send + 'static>(
        &self,
        bucket: Option<u16>,
        columns: &[EventColumn],
        state: A,
        visit: impl FnMut(&mut A, EventRef<'_>) + Send + 'static,
    ) -> Result<A, LakeError> {
        let mut files = std::pin::pin!(self.fetch(bucket));
        let mut work = (state, visit);
        while let Some((path, bytes)) = files.try_next().await? {
            let columns = columns.to_vec();
            let task = tokio::task::spawn_blocking(move || {
                let (state, visit) = &mut work;
                let done = each_in_file(bytes, &columns, |event| {
                    visit(state, event);
                    Ok(())
                });
                done.map(|()| work)
            });
            let done = task.await.map_err(|source| LakeError::Worker { source })?;
            work = done.map_err(|source| LakeError::file(path.as_ref(), source))?;
        }
        Ok(work.0)
    }

    /// The events of a bucket in path order, which is no order of time; repeats of an event are as they landed.
    ///
    /// # Errors
    /// As [`Snapshot::scan`].
    pub async fn read_bucket(
        &self,
        bucket: u16,
        columns: &'static [EventColumn],
    ) -> Result<Vec<StoredEvent>, LakeError> {
        self.collect(bucket, move |bytes| {
            let mut events = Vec::new();
            each_in_file(bytes, columns, |event| {
                events.push(event.to_stored()?);
                Ok(())
            })?;
            Ok(events)
        })
        .await
    }
}

impl Snapshot<DecisionRow> {
    /// The decisions of a bucket in path order, which is no order of time; repeats are as they landed.
    ///
    /// # Errors
    /// [`LakeError::MalformedFile`], and whatever the store answers.
    pub async fn read_bucket(&self, bucket: u16) -> Result<Vec<DecisionRow>, LakeError> {
        self.collect(bucket, |bytes| {
            let mut rows = Vec::new();
            decode(bytes, None, |batch| collect_decisions(batch, &mut rows))?;
            Ok(rows)
        })
        .await
    }
}

fn each_in_file(
    bytes: Bytes,
    columns: &[EventColumn],
    mut visit: impl FnMut(EventRef<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let names: Vec<&str> = columns
        .iter()
        .flat_map(|column| column.names())
        .copied()
        .collect();
    decode(bytes, Some(&names), |batch| {
        each_event(batch, columns, &mut visit)
    })
}
