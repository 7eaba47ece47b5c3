//! From rows to data files: grouped by date and bucket, encoded on the blocking pool, named by their content.

use std::collections::BTreeMap;

use bytes::Bytes;
use ceteris_contract::identity::hex;
use ceteris_contract::time::{DAY_US, Timestamp};
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use crate::delta::action::Add;
use crate::delta::log::Log;
use crate::error::LakeError;
use crate::parquet_file;
use crate::row::Row;

/// Files encoded and written at once: a commit of many partitions pays a store's latency once for so many. Their rows are
/// in memory already.
const WRITES_AT_ONCE: usize = 16;

/// The partition of a row: days since the epoch, and bucket.
pub(crate) type Place = (i64, u16);

/// The rows of each partition, in the order in which they came.
pub(crate) fn by_place<R: Row>(rows: Vec<R>, buckets: u16) -> BTreeMap<Place, Vec<R>> {
    let mut places: BTreeMap<Place, Vec<R>> = BTreeMap::new();
    for row in rows {
        let place = (row.ts().day(), row.unit().bucket(buckets));
        places.entry(place).or_default().push(row);
    }
    places
}

/// Writes one file per partition and tells the actions that would add them. Until a commit does, no reader sees them.
pub(crate) async fn write_files<R: Row>(
    log: &Log,
    rows: Vec<R>,
    buckets: u16,
    label: &str,
    now_ms: i64,
) -> Result<Vec<Add>, LakeError> {
    let places = by_place(rows, buckets);
    let mut adds: Vec<Add> = stream::iter(places)
        .map(|(place, rows)| write_file(log, place, rows, label.to_owned(), now_ms))
        .buffer_unordered(WRITES_AT_ONCE)
        .try_collect()
        .await?;
    adds.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(adds)
}

async fn write_file<R: Row>(
    log: &Log,
    place: Place,
    rows: Vec<R>,
    label: String,
    now_ms: i64,
) -> Result<Add, LakeError> {
    let count = rows.len();
    let encoded =
        tokio::task::spawn_blocking(move || encode(&rows).map(|bytes| (name(&label, &bytes), bytes)));
    let (name, bytes) = encoded.await.map_err(|source| LakeError::Worker { source })??;
    let add = describe(place, &name, bytes.len(), count, now_ms, true);
    log.objects.put(&add.path, bytes).await?;
    Ok(add)
}

fn encode<R: Row>(rows: &[R]) -> Result<Bytes, LakeError> {
    let batch = R::encode(rows).map_err(|source| LakeError::encode(R::TABLE, source))?;
    parquet_file::encode(&[batch], &[]).map_err(|source| LakeError::encode(R::TABLE, source))
}

/// A file's name follows from what it holds and from the offsets it lands with: the same batch written again after a
/// crash overwrites its own orphan, and two commits never share a file.
pub(crate) fn name(label: &str, bytes: &Bytes) -> String {
    let mut hash = Sha256::new();
    hash.update((label.len() as u64).to_le_bytes());
    hash.update(label);
    hash.update(bytes);
    format!("part-{}.snappy.parquet", &hex(&hash.finalize())[..32])
}

/// The action that adds a file of this name to a partition.
pub(crate) fn describe(
    (day, bucket): Place,
    name: &str,
    bytes: usize,
    rows: usize,
    now_ms: i64,
    data_change: bool,
) -> Add {
    let dt = Timestamp(day.saturating_mul(DAY_US)).date();
    Add {
        path: format!("dt={dt}/bucket={bucket}/{name}"),
        partition_values: BTreeMap::from([
            ("bucket".to_owned(), Some(bucket.to_string())),
            ("dt".to_owned(), Some(dt)),
        ]),
        size: bytes as i64,
        modification_time: now_ms,
        data_change,
        stats: Some(format!("{{\"numRecords\":{rows}}}")),
    }
}
