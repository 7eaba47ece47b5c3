//! A slot rebuilt from the lake: every event that the table holds of the partition's units, through the feature engine.

use std::collections::{HashMap, HashSet};

use anyhow::anyhow;
use bytes::Bytes;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::topics::USER_EVENTS;
use ceteris_feature_store::Write;
use ceteris_features::UnitState;
use ceteris_lake::{EventColumn, EventRow, Snapshot, Table};

use crate::online::{FLUSH_UNITS_MAX, Place, UNFINISHED};
use crate::trouble::Trouble;

/// What a rebuild reads.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) lake: Table<EventRow>,
    /// Partitions of the log and of the store.
    pub(crate) partitions: u16,
    /// Unit states held at once; a partition with more is read several times.
    pub(crate) units_max: usize,
}

/// Empties the slot and fills it from the lake. Tells the offset from which the log goes on: the position of record of
/// the version that was read.
///
/// The blobs are written under a marker that no reader trusts, so a rebuild that was killed is seen and begun anew. The
/// caller moves the marker: that makes them count.
pub(crate) async fn rebuild(place: &Place, source: &Source) -> Result<u64, Trouble> {
    place.store.reset(place.slot, place.owner).await?;
    let snapshot = source.lake.snapshot(None).await?;
    let partition = place.slot.partition;
    let key = (USER_EVENTS.to_owned(), u32::from(partition));
    let next = snapshot.offsets().get(&key).copied().unwrap_or(0);
    let buckets: Vec<u16> = buckets(partition, source.partitions, source.lake.buckets());
    let units = count_units(&snapshot, &buckets, partition, source.partitions).await?;
    let passes = units.div_ceil(source.units_max.max(1)).max(1) as u64;
    for pass in 0..passes {
        let states = replay(&snapshot, &buckets, place, source.partitions, (pass, passes)).await?;
        write(place, states).await?;
    }
    tracing::info!(
        partition,
        units,
        passes,
        lake.version = snapshot.version,
        "rebuilt online features from the lake"
    );
    Ok(next)
}

/// The buckets that units of a partition lie in. Both numbers are powers of two, and both are the same hash, reduced.
fn buckets(partition: u16, partitions: u16, buckets: u16) -> Vec<u16> {
    let common = partitions.min(buckets).max(1);
    (0..buckets)
        .filter(|bucket| bucket % common == partition % common)
        .collect()
}

async fn count_units(
    snapshot: &Snapshot<EventRow>,
    buckets: &[u16],
    partition: u16,
    partitions: u16,
) -> Result<usize, Trouble> {
    let mut units = HashSet::<UnitKey>::new();
    for bucket in buckets {
        let count = move |units: &mut HashSet<UnitKey>, unit: Unit| {
            if unit.bucket(partitions) == partition {
                units.insert(unit.key);
            }
        };
        units = snapshot
            .scan(Some(*bucket), &[EventColumn::Unit], units, move |units, event| {
                count(units, event.unit);
            })
            .await?;
    }
    Ok(units.len())
}

/// The states of the units whose turn this pass is.
async fn replay(
    snapshot: &Snapshot<EventRow>,
    buckets: &[u16],
    place: &Place,
    partitions: u16,
    (pass, passes): (u64, u64),
) -> Result<HashMap<UnitKey, UnitState>, Trouble> {
    let partition = place.slot.partition;
    let mut work = (HashMap::<UnitKey, UnitState>::new(), None::<serde_json::Error>);
    for bucket in buckets {
        let views = place.views.clone();
        work = snapshot
            .scan(
                Some(*bucket),
                EventColumn::ALL,
                work,
                move |(states, fault), event| {
                    if event.unit.bucket(partitions) != partition || turn(event.unit.key) % passes != pass {
                        return;
                    }
                    match event.to_stored() {
                        Ok(stored) => {
                            let state = states
                                .entry(stored.unit.key)
                                .or_insert_with(|| UnitState::new(&views));
                            // What a view refuses was counted when it was first taken in.
                            state.apply(&views, &stored);
                        }
                        Err(error) => *fault = Some(error),
                    }
                },
            )
            .await?;
    }
    match work.1 {
        None => Ok(work.0),
        Some(error) => Err(Trouble::halt(
            anyhow!(error).context("the lake holds properties that are no JSON object"),
        )),
    }
}

/// Which pass takes a unit: its key is a hash already.
fn turn(unit: UnitKey) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&unit.0[..8]);
    u64::from_le_bytes(bytes)
}

async fn write(place: &Place, states: HashMap<UnitKey, UnitState>) -> Result<(), Trouble> {
    let mut states = states.into_iter();
    loop {
        let some = states.by_ref().take(FLUSH_UNITS_MAX);
        let writes: Vec<Write> = some
            .map(|(unit, state)| Write {
                unit,
                blob: Some(Bytes::from(state.encode(&place.views))),
            })
            .collect();
        if writes.is_empty() {
            return Ok(());
        }
        place
            .store
            .flush(place.slot, place.owner, writes, 0, UNFINISHED)
            .await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_looked_for_in_the_buckets_its_units_lie_in_and_no_others() {
        for (partitions, count) in [(4, 8), (16, 4), (8, 8), (1, 4), (16, 1)] {
            for partition in 0..partitions {
                let expected: HashSet<u16> = (0..4096_u16)
                    .filter(|shard| shard % partitions == partition)
                    .map(|shard| shard % count)
                    .collect();
                let found: HashSet<u16> = buckets(partition, partitions, count).into_iter().collect();
                assert_eq!(found, expected, "{partition} of {partitions}, {count} buckets");
            }
        }
    }
}
