//! Producing: choose partitions, encode, append, wake the readers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ceteris_contract::murmur2::partition_of;
use ceteris_journal::{Batch, SyncMode};

use super::codec;
use super::topic::Topic;
use crate::error::StreamError;
use crate::log::Clock;
use crate::record::NewRecord;

/// Records of one produce call go to a partition in journal batches of about this size. A batch is what a reader must
/// take from the disk at once.
const BATCH_BYTES: usize = 256 << 10;

/// Up to so many bytes are written inline: a copy into the page cache of some tens of microseconds, less than a hop to
/// another thread and back.
const INLINE_BYTES_MAX: usize = 64 << 10;

struct Encoded {
    /// Per partition its batches, in order.
    batches: Vec<Vec<Batch>>,
    bytes: usize,
    /// Per record, in the order given, its partition.
    placement: Vec<u32>,
}

pub(super) async fn produce(
    topic: Arc<Topic>,
    clock: &Clock,
    sync: SyncMode,
    records: Vec<NewRecord>,
) -> Result<Vec<(u32, u64)>, StreamError> {
    let encoded = encode(&topic, clock(), &records)?;
    let placement = encoded.placement;
    let mut next = if sync == SyncMode::Os && encoded.bytes <= INLINE_BYTES_MAX {
        append(&topic, encoded.batches)?
    } else {
        let task = tokio::task::spawn_blocking(move || append(&topic, encoded.batches));
        task.await.map_err(|_| StreamError::Closed)??
    };
    let place = |partition: u32| {
        let offset = &mut next[partition as usize];
        *offset += 1;
        (partition, *offset - 1)
    };
    Ok(placement.into_iter().map(place).collect())
}

fn encode(topic: &Topic, now_us: i64, records: &[NewRecord]) -> Result<Encoded, StreamError> {
    let mut batches: Vec<Vec<Batch>> = topic.partitions.iter().map(|_| Vec::new()).collect();
    let mut placement = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        if !record.fits() {
            let bytes = record.bytes();
            return Err(StreamError::RecordTooLarge { index, bytes });
        }
        let partition = choose(topic, record)?;
        placement.push(partition);
        let of_partition = &mut batches[partition as usize];
        if of_partition
            .last()
            .is_none_or(|batch| batch.bytes() >= BATCH_BYTES)
        {
            of_partition.push(Batch::new());
        }
        if let Some(batch) = of_partition.last_mut() {
            batch.push_with(|out| codec::encode(record, record.timestamp_us.unwrap_or(now_us), out));
        }
    }
    let bytes = batches.iter().flatten().map(Batch::bytes).sum();
    Ok(Encoded {
        batches,
        bytes,
        placement,
    })
}

fn choose(topic: &Topic, record: &NewRecord) -> Result<u32, StreamError> {
    let count = topic.partitions.len() as u32;
    match (record.partition, &record.key) {
        (Some(partition), _) => topic.partition(partition).map(|_| partition),
        (None, Some(key)) => Ok(partition_of(key, count)),
        (None, None) => Ok(topic.turn.fetch_add(1, Ordering::Relaxed) % count),
    }
}

/// Appends the batches and returns the first offset of each partition that got any.
fn append(topic: &Topic, batches: Vec<Vec<Batch>>) -> Result<Vec<u64>, StreamError> {
    // Also after a failure half-way: what was appended is there to be read.
    let _wake = WakeAtEnd(topic);
    let mut first = vec![0; batches.len()];
    for (partition, of_partition) in batches.into_iter().enumerate() {
        if of_partition.is_empty() {
            continue;
        }
        let mut journal = topic.partitions[partition]
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first[partition] = topic.partitions[partition].view.end_offset();
        for mut batch in of_partition {
            let appended = journal.append_batch(&mut batch);
            appended.map_err(|source| topic.journal_error(partition as u32, source))?;
        }
    }
    Ok(first)
}

struct WakeAtEnd<'a>(&'a Topic);

impl Drop for WakeAtEnd<'_> {
    fn drop(&mut self) {
        self.0.changed.notify_waiters();
    }
}
