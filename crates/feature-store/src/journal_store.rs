//! The embedded twin: slots in memory, every change first in a journal, which is compacted where garbage dominates.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;
use ceteris_journal::{Batch, Journal, JournalView, SyncMode};

use crate::error::StoreError;
use crate::port::{FeatureStore, Marker, Owner, Read, Slot, Write};
use crate::record::{self, Record};
use crate::slots::{Change, SlotState, Slots, exclusive, shared, weight};

/// Entries read at once when a journal is replayed.
const REPLAY_RECORDS_MAX: usize = 1024;
const REPLAY_BYTES_MAX: usize = 4 << 20;
/// A snapshot is written in batches of about this size, so that it needs no memory of its own.
const SNAPSHOT_BYTES: usize = 4 << 20;

/// How a journal store is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of partitions, a power of two up to 4 096; fixed when the folder is made.
    pub partitions: u16,
    /// A slot whose marker is older than this tells readers nothing.
    pub stale_after: Span,
    /// What a flush survives.
    pub sync: SyncMode,
    /// Size of the journal's segments. The journal is compacted when it is larger than four of these plus three times
    /// the blobs held.
    pub segment_bytes_max: u64,
}

impl Default for Options {
    /// 16 partitions, stale after one minute, kill -9 survived, segments of 4 MiB.
    fn default() -> Self {
        Options {
            partitions: 16,
            stale_after: Span::minutes(1),
            sync: SyncMode::Os,
            segment_bytes_max: 4 << 20,
        }
    }
}

/// Memory over a journal in a folder, one process at a time.
#[derive(Debug)]
pub struct JournalStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    slots: Slots,
    options: Options,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    journal: Journal,
    batch: Batch,
    /// What the blobs would take in a journal without garbage.
    live_bytes: i64,
}

impl JournalStore {
    /// Opens the store in `folder`, making it if it is missing, and replays its journal. Synchronous: call it before
    /// serving.
    ///
    /// # Errors
    /// [`StoreError::Partitions`], [`StoreError::PartitionsChanged`], [`StoreError::Unreadable`],
    /// [`StoreError::Journal`] (in use by another process, damaged, no space).
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let slots = Slots::new(options.partitions, options.stale_after)?;
        let journal_options = ceteris_journal::Options {
            sync: options.sync,
            segment_bytes_max: options.segment_bytes_max,
            bytes_max: None,
        };
        let mut journal = Journal::open(folder, journal_options)?;
        let mut replay = Replay::default();
        replay.run(&journal.view())?;
        match replay.partitions {
            Some(stored) if stored != options.partitions => {
                return Err(StoreError::PartitionsChanged {
                    stored,
                    asked: options.partitions,
                });
            }
            Some(_) => {}
            None => {
                let mut head = Vec::new();
                record::put_head(&mut head, options.partitions);
                journal.append(&[head])?;
            }
        }
        let live_bytes = replay
            .slots
            .values()
            .flat_map(|slot| slot.blobs.values())
            .map(weight)
            .sum();
        slots.replace(replay.slots);
        let writer = Mutex::new(Writer {
            journal,
            batch: Batch::new(),
            live_bytes,
        });
        let store = JournalStore {
            inner: Arc::new(Inner {
                slots,
                options,
                writer,
            }),
        };
        store.inner.compact_if_due(&mut store.inner.writer())?;
        Ok(store)
    }

    /// Bytes of the journal on disk.
    pub fn bytes_used(&self) -> u64 {
        self.inner.writer().journal.view().bytes_used()
    }

    async fn change(&self, slot: Slot, owner: Owner, change: Change) -> Result<Option<Marker>, StoreError> {
        let inner = Arc::clone(&self.inner);
        let changed = tokio::task::spawn_blocking(move || inner.change(slot, owner, change));
        changed.await.map_err(|_| StoreError::Interrupted)?
    }
}

impl Inner {
    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks, writes, then applies: memory never shows what a kill could take back. The writer's lock is held over
    /// all three, so the check still holds when the change is applied.
    fn change(&self, slot: Slot, owner: Owner, change: Change) -> Result<Option<Marker>, StoreError> {
        let mut writer = self.writer();
        let state = self.slots.entry(slot);
        shared(&state).check(owner, &change)?;
        let Writer {
            journal,
            batch,
            live_bytes,
        } = &mut *writer;
        batch.clear();
        batch.push_with(|out| record::put_change(out, slot, &change));
        journal.append_batch(batch)?;
        let marker = {
            let mut state = exclusive(&state);
            *live_bytes += state.apply(change);
            state.marker()
        };
        // The change stands; a compaction that fails is tried again at the next one.
        if let Err(error) = self.compact_if_due(&mut writer) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot compact the feature journal"
            );
        }
        Ok(marker)
    }

    fn compact_if_due(&self, writer: &mut Writer) -> Result<(), StoreError> {
        let used = writer.journal.view().bytes_used();
        let live = u64::try_from(writer.live_bytes).unwrap_or(0);
        if used <= 4 * self.options.segment_bytes_max + 3 * live {
            return Ok(());
        }
        let begin = writer.journal.view().end_offset();
        self.snapshot(writer)?;
        let freed_bytes = writer.journal.view().delete_before(begin)?;
        tracing::info!(
            used_bytes = used,
            live_bytes = live,
            freed_bytes,
            "compacted the feature journal"
        );
        Ok(())
    }

    /// Appends the whole content. Only its last record makes it valid, so a kill in the middle costs nothing.
    fn snapshot(&self, writer: &mut Writer) -> Result<(), StoreError> {
        let Writer { journal, batch, .. } = writer;
        batch.clear();
        batch.push_with(|out| record::put_snapshot_begin(out, self.slots.partitions()));
        for (slot, state) in self.slots.all() {
            let state = shared(&state);
            if let Some(owner) = state.owner {
                let claim = Change::Claim { owner };
                batch.push_with(|out| record::put_part(out, |out| record::put_change(out, slot, &claim)));
            }
            let Some(place) = state.place else { continue };
            let mut blobs = state.blobs.iter().peekable();
            loop {
                let mut bytes = 0;
                let some = std::iter::from_fn(|| {
                    let (unit, blob) = blobs.next_if(|_| bytes < SNAPSHOT_BYTES)?;
                    bytes += weight(blob) as usize;
                    Some((unit, Some(blob)))
                });
                batch.push_with(|out| record::put_part(out, |out| record::put_flush(out, slot, place, some)));
                if batch.bytes() > SNAPSHOT_BYTES {
                    journal.append_batch(batch)?;
                }
                if blobs.peek().is_none() {
                    break;
                }
            }
        }
        batch.push_with(record::put_snapshot_end);
        journal.append_batch(batch)?;
        Ok(())
    }
}

/// A journal read from its first record.
#[derive(Default)]
struct Replay {
    partitions: Option<u16>,
    slots: BTreeMap<Slot, SlotState>,
    snapshot: Option<BTreeMap<Slot, SlotState>>,
}

impl Replay {
    fn run(&mut self, view: &JournalView) -> Result<(), StoreError> {
        let mut reader = view.reader(view.first_offset());
        loop {
            let entries = reader.read(REPLAY_RECORDS_MAX, REPLAY_BYTES_MAX)?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                let offset = entry.offset;
                self.take(record::read(entry.payload).ok_or(StoreError::Unreadable { offset })?);
            }
        }
    }

    fn take(&mut self, record: Record) {
        match record {
            Record::Head { partitions } => self.partitions = Some(partitions),
            Record::SnapshotBegin { partitions } => {
                self.partitions = Some(partitions);
                self.snapshot = Some(BTreeMap::new());
            }
            Record::SnapshotEnd => {
                if let Some(whole) = self.snapshot.take() {
                    self.slots = whole;
                }
            }
            Record::SnapshotPart { slot, change } => {
                if let Some(whole) = &mut self.snapshot {
                    whole.entry(slot).or_default().apply(change);
                }
            }
            Record::Change { slot, change } => {
                // Nothing is changed while a snapshot is written: this one was never finished.
                self.snapshot = None;
                self.slots.entry(slot).or_default().apply(change);
            }
        }
    }
}

#[async_trait]
impl FeatureStore for JournalStore {
    fn partitions(&self) -> u16 {
        self.inner.slots.partitions()
    }

    async fn claim(&self, slot: Slot, owner: Owner) -> Result<Option<Marker>, StoreError> {
        self.change(slot, owner, Change::Claim { owner }).await
    }

    async fn flush(
        &self,
        slot: Slot,
        owner: Owner,
        writes: Vec<Write>,
        next_offset: u64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(
            slot,
            owner,
            Change::Flush {
                writes,
                next_offset,
                at,
            },
        )
        .await
        .map(|_| ())
    }

    async fn reset(&self, slot: Slot, owner: Owner) -> Result<(), StoreError> {
        self.change(slot, owner, Change::Reset).await.map(|_| ())
    }

    async fn marker(&self, slot: Slot) -> Result<Option<Marker>, StoreError> {
        Ok(self.inner.slots.marker(slot))
    }

    async fn blobs(&self, slot: Slot, units: &[UnitKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        Ok(self.inner.slots.blobs(slot, units))
    }

    async fn read(&self, schema: SchemaHash, unit: Unit, now: Timestamp) -> Read {
        self.inner.slots.read(schema, unit, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_without_its_end_does_not_count() {
        let slot = Slot {
            schema: SchemaHash([1; 8]),
            partition: 0,
        };
        let claim = |n| Change::Claim { owner: Owner(n) };
        let records = [
            Record::Head { partitions: 4 },
            Record::Change {
                slot,
                change: claim(1),
            },
            Record::SnapshotBegin { partitions: 4 },
            Record::SnapshotPart {
                slot,
                change: claim(2),
            },
            Record::Change {
                slot,
                change: Change::Reset,
            },
            // The end of a snapshot that was given up.
            Record::SnapshotEnd,
        ];
        let mut replay = Replay::default();
        records.into_iter().for_each(|record| replay.take(record));
        assert_eq!(replay.slots[&slot].owner, Some(Owner(1)));
        for record in [
            Record::SnapshotBegin { partitions: 4 },
            Record::SnapshotPart {
                slot,
                change: claim(3),
            },
            Record::SnapshotEnd,
        ] {
            replay.take(record);
        }
        assert_eq!(replay.slots[&slot].owner, Some(Owner(3)));
    }
}
