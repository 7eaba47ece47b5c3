//! The records of the feature journal. The layout is in the README.

use bytes::{Buf, BufMut, Bytes};
use ceteris_contract::identity::UnitKey;
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;

use crate::port::{Owner, Slot, Write};
use crate::slots::Change;

/// Layout of the records; a reader refuses what it does not know.
const VERSION: u8 = 1;

const HEAD: u8 = 1;
const CLAIM: u8 = 2;
const FLUSH: u8 = 3;
const RESET: u8 = 4;
const SNAPSHOT_BEGIN: u8 = 5;
const SNAPSHOT_END: u8 = 6;
/// Added to the kind of a change that belongs to a snapshot.
const OF_SNAPSHOT: u8 = 0x80;

/// A blob that was deleted.
const DELETED: u32 = u32::MAX;

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    /// The store's number of partitions.
    Head { partitions: u16 },
    /// A change of one slot.
    Change { slot: Slot, change: Change },
    /// The parts that follow, up to the end, are the whole content.
    SnapshotBegin { partitions: u16 },
    /// A change that makes up a slot from nothing.
    SnapshotPart { slot: Slot, change: Change },
    /// The snapshot is whole; what lies before it is garbage.
    SnapshotEnd,
}

pub(crate) fn put_head(out: &mut Vec<u8>, partitions: u16) {
    out.extend_from_slice(&[VERSION, HEAD]);
    out.put_u16_le(partitions);
}

pub(crate) fn put_snapshot_begin(out: &mut Vec<u8>, partitions: u16) {
    out.extend_from_slice(&[VERSION, SNAPSHOT_BEGIN]);
    out.put_u16_le(partitions);
}

pub(crate) fn put_snapshot_end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[VERSION, SNAPSHOT_END]);
}

/// What `encode` puts is a change that belongs to a snapshot.
pub(crate) fn put_part(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let kind = out.len() + 1;
    encode(out);
    if let Some(kind) = out.get_mut(kind) {
        *kind |= OF_SNAPSHOT;
    }
}

pub(crate) fn put_change(out: &mut Vec<u8>, slot: Slot, change: &Change) {
    match change {
        Change::Claim { owner } => {
            put_slot(out, CLAIM, slot);
            out.put_u64_le(owner.0);
        }
        Change::Reset => put_slot(out, RESET, slot),
        Change::Flush {
            writes,
            next_offset,
            at,
        } => {
            put_flush(
                out,
                slot,
                (*next_offset, *at),
                writes.iter().map(|w| (&w.unit, w.blob.as_ref())),
            );
        }
    }
}

/// A flush record of blobs that lie elsewhere.
pub(crate) fn put_flush<'a>(
    out: &mut Vec<u8>,
    slot: Slot,
    (next_offset, at): (u64, Timestamp),
    blobs: impl Iterator<Item = (&'a UnitKey, Option<&'a Bytes>)>,
) {
    put_slot(out, FLUSH, slot);
    out.put_u64_le(next_offset);
    out.put_i64_le(at.0);
    for (unit, blob) in blobs {
        out.extend_from_slice(&unit.0);
        match blob {
            // No blob reaches this length: a batch is smaller.
            Some(blob) => {
                out.put_u32_le(blob.len() as u32);
                out.extend_from_slice(blob);
            }
            None => out.put_u32_le(DELETED),
        }
    }
}

fn put_slot(out: &mut Vec<u8>, kind: u8, slot: Slot) {
    out.extend_from_slice(&[VERSION, kind]);
    out.extend_from_slice(&slot.schema.0);
    out.put_u16_le(slot.partition);
}

/// Reads a record; `None` if it is none of this layout.
pub(crate) fn read(mut payload: Bytes) -> Option<Record> {
    let input = &mut payload;
    if input.try_get_u8().ok()? != VERSION {
        return None;
    }
    let kind = input.try_get_u8().ok()?;
    let record = match kind {
        HEAD => Record::Head {
            partitions: input.try_get_u16_le().ok()?,
        },
        SNAPSHOT_BEGIN => Record::SnapshotBegin {
            partitions: input.try_get_u16_le().ok()?,
        },
        SNAPSHOT_END => Record::SnapshotEnd,
        _ => {
            let slot = slot(input)?;
            let change = change(kind & !OF_SNAPSHOT, input)?;
            if kind & OF_SNAPSHOT == 0 {
                Record::Change { slot, change }
            } else {
                Record::SnapshotPart { slot, change }
            }
        }
    };
    (!input.has_remaining()).then_some(record)
}

fn change(kind: u8, input: &mut Bytes) -> Option<Change> {
    match kind {
        CLAIM => Some(Change::Claim {
            owner: Owner(input.try_get_u64_le().ok()?),
        }),
        RESET => Some(Change::Reset),
        FLUSH => {
            let next_offset = input.try_get_u64_le().ok()?;
            let at = Timestamp(input.try_get_i64_le().ok()?);
            let mut writes = Vec::new();
            while input.has_remaining() {
                writes.push(write(input)?);
            }
            Some(Change::Flush {
                writes,
                next_offset,
                at,
            })
        }
        _ => None,
    }
}

fn slot(input: &mut Bytes) -> Option<Slot> {
    let mut schema = [0; 8];
    input.try_copy_to_slice(&mut schema).ok()?;
    Some(Slot {
        schema: SchemaHash(schema),
        partition: input.try_get_u16_le().ok()?,
    })
}

fn write(input: &mut Bytes) -> Option<Write> {
    let mut key = [0; 16];
    input.try_copy_to_slice(&mut key).ok()?;
    let blob = match input.try_get_u32_le().ok()? {
        DELETED => None,
        length if length as usize <= input.len() => {
            // Copied: the record shares its memory with its neighbours, which a blob must not keep alive.
            Some(Bytes::copy_from_slice(&input.split_to(length as usize)))
        }
        _ => return None,
    };
    Some(Write {
        unit: UnitKey(key),
        blob,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_flush_reads_back_and_a_cut_one_does_not(blobs in prop::collection::vec(
            (any::<[u8; 16]>(), prop::option::of(prop::collection::vec(any::<u8>(), 0..20))), 0..6),
            next_offset in any::<u64>(), at in any::<i64>(), cut in 1usize..16) {
            let writes = blobs.into_iter()
                .map(|(unit, blob)| Write { unit: UnitKey(unit), blob: blob.map(Bytes::from) }).collect();
            let slot = Slot { schema: SchemaHash([3; 8]), partition: 9 };
            let change = Change::Flush { writes, next_offset, at: Timestamp(at) };
            let mut out = Vec::new();
            put_change(&mut out, slot, &change);
            prop_assert_eq!(read(Bytes::from(out.clone())), Some(Record::Change { slot, change: change.clone() }));
            out.truncate(out.len() - cut);
            prop_assert_ne!(read(Bytes::from(out)), Some(Record::Change { slot, change }));
        }
    }

    #[test]
    fn a_part_of_a_snapshot_is_no_change() {
        let slot = Slot {
            schema: SchemaHash([3; 8]),
            partition: 9,
        };
        let change = Change::Claim { owner: Owner(5) };
        let mut out = Vec::new();
        put_part(&mut out, |out| put_change(out, slot, &change));
        assert_eq!(
            read(Bytes::from(out)),
            Some(Record::SnapshotPart { slot, change })
        );
    }

    #[test]
    fn unknown_layouts_are_refused() {
        assert_eq!(read(Bytes::from_static(&[2, HEAD, 8, 0])), None);
        assert_eq!(read(Bytes::from_static(&[VERSION, 99])), None);
        assert_eq!(
            read(Bytes::from_static(&[VERSION, HEAD, 8, 0])),
            Some(Record::Head { partitions: 8 })
        );
        assert_eq!(read(Bytes::from_static(&[VERSION, HEAD, 8, 0, 1])), None);
    }
}
