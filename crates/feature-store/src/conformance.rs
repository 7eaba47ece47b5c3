//! What every feature store does, as checks that panic with what was violated. For tests.

use std::sync::Arc;

use bytes::Bytes;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;

use ceteris_contract::disposition::{Disposition, HasDisposition};

use crate::error::StoreError;
use crate::port::{FeatureStore, Marker, Owner, Read, Slot, Unknown, Write};

/// Partitions that `make` must give its stores.
pub const PARTITIONS: u16 = 4;
/// The `stale_after` that `make` must give its stores.
pub const STALE_AFTER: Span = Span(1_000);

const SCHEMA: SchemaHash = SchemaHash([1; 8]);
const ONE: Owner = Owner(11);
const TWO: Owner = Owner(22);

/// Runs every check, each on an empty store of [`PARTITIONS`] and [`STALE_AFTER`] that `make` gives.
///
/// # Panics
/// With what was violated.
pub async fn run<M, F>(make: M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn FeatureStore>>,
{
    flushes_are_read_back(&*make().await).await;
    reads_know_what_they_do_not_know(&*make().await).await;
    only_the_last_owner_writes(&*make().await).await;
    markers_never_move_back(&*make().await).await;
    slots_are_apart(&*make().await).await;
    a_reset_forgets(&*make().await).await;
    racing_owners_leave_one_history(make().await).await;
}

/// A unit of `partition`.
pub fn unit(number: u8, partition: u16) -> Unit {
    Unit {
        key: UnitKey([number; 16]),
        shard: partition + PARTITIONS * u16::from(number),
    }
}

/// The slot of `partition` under the suite's schema.
pub fn slot(partition: u16) -> Slot {
    Slot {
        schema: SCHEMA,
        partition,
    }
}

fn put(unit: Unit, blob: &str) -> Write {
    Write {
        unit: unit.key,
        blob: Some(Bytes::copy_from_slice(blob.as_bytes())),
    }
}

async fn flush(
    store: &dyn FeatureStore,
    owner: Owner,
    writes: Vec<Write>,
    next: u64,
    at: i64,
) -> Result<(), StoreError> {
    store.flush(slot(1), owner, writes, next, Timestamp(at)).await
}

async fn claimed(store: &dyn FeatureStore, slot: Slot, owner: Owner) -> Option<Marker> {
    store.claim(slot, owner).await.expect("a claim succeeds")
}

async fn flushes_are_read_back(store: &dyn FeatureStore) {
    assert_eq!(store.partitions(), PARTITIONS);
    let (a, b, c) = (unit(1, 1), unit(2, 1), unit(3, 1));
    assert_eq!(
        claimed(store, slot(1), ONE).await,
        None,
        "a new slot has no marker"
    );
    flush(store, ONE, vec![put(a, "a1"), put(b, "b1"), put(a, "a2")], 5, 100)
        .await
        .expect("the owner may flush");
    let marker = Marker {
        owner: ONE,
        next_offset: 5,
        at: Timestamp(100),
    };
    assert_eq!(
        store.marker(slot(1)).await.expect("a marker can be read"),
        Some(marker)
    );
    let blobs = store
        .blobs(slot(1), &[b.key, c.key, a.key])
        .await
        .expect("blobs can be read");
    assert_eq!(
        blobs,
        [Some("b1".into()), None, Some("a2".into())],
        "in the order asked; the last write counts"
    );
    let gone = Write {
        unit: b.key,
        blob: None,
    };
    flush(store, ONE, vec![gone, put(c, "")], 6, 110)
        .await
        .expect("the owner may flush");
    let blobs = store
        .blobs(slot(1), &[a.key, b.key, c.key])
        .await
        .expect("blobs can be read");
    assert_eq!(
        blobs,
        [Some("a2".into()), None, Some("".into())],
        "deleted is not empty"
    );
    assert_eq!(store.blobs(slot(1), &[]).await.expect("no blobs can be read"), []);
}

async fn reads_know_what_they_do_not_know(store: &dyn FeatureStore) {
    let (a, b) = (unit(1, 1), unit(2, 1));
    let read = async |unit, now| store.read(SCHEMA, unit, Timestamp(now)).await;
    assert_eq!(
        read(a, 0).await,
        Read::Unknown(Unknown::NoMarker),
        "an untouched slot knows nothing"
    );
    claimed(store, slot(1), ONE).await;
    assert_eq!(
        read(a, 0).await,
        Read::Unknown(Unknown::NoMarker),
        "a claim alone tells nothing of units"
    );
    flush(store, ONE, vec![put(a, "a")], 1, 5_000)
        .await
        .expect("the owner may flush");
    for now in [0, 5_000, 6_000] {
        assert_eq!(read(a, now).await, Read::Found("a".into()), "now = {now}");
        assert_eq!(read(b, now).await, Read::Absent, "now = {now}");
    }
    let stale = Read::Unknown(Unknown::Stale { at: Timestamp(5_000) });
    assert_eq!(read(a, 6_001).await, stale, "also a blob that is there is stale");
    assert_eq!(read(b, 6_001).await, stale);
    flush(store, ONE, vec![], 1, 6_001)
        .await
        .expect("the marker alone may move");
    assert_eq!(read(a, 6_001).await, Read::Found("a".into()));
    claimed(store, slot(1), TWO).await;
    assert_eq!(read(b, 6_001).await, Read::Absent, "a claim leaves the marker");
}

async fn only_the_last_owner_writes(store: &dyn FeatureStore) {
    let a = unit(1, 1);
    let unclaimed = flush(store, ONE, vec![put(a, "x")], 1, 1)
        .await
        .expect_err("a slot must be claimed");
    assert!(
        matches!(
            unclaimed,
            StoreError::Fenced {
                owner: None,
                asked: ONE
            }
        ),
        "{unclaimed:?}"
    );
    claimed(store, slot(1), ONE).await;
    flush(store, ONE, vec![put(a, "one")], 3, 10)
        .await
        .expect("the owner may flush");
    let left = claimed(store, slot(1), TWO).await;
    assert_eq!(
        left,
        Some(Marker {
            owner: TWO,
            next_offset: 3,
            at: Timestamp(10)
        }),
        "the next owner goes on from there"
    );
    let fenced = flush(store, ONE, vec![put(a, "zombie")], 9, 20)
        .await
        .expect_err("the former owner is fenced");
    assert!(
        matches!(
            fenced,
            StoreError::Fenced {
                owner: Some(TWO),
                asked: ONE
            }
        ),
        "{fenced:?}"
    );
    assert_eq!(fenced.disposition(), Disposition::Halt);
    let fenced = store
        .reset(slot(1), ONE)
        .await
        .expect_err("the former owner is fenced");
    assert!(matches!(fenced, StoreError::Fenced { .. }), "{fenced:?}");
    assert_eq!(
        store.marker(slot(1)).await.expect("a marker can be read"),
        left,
        "nothing was written"
    );
    let blobs = store.blobs(slot(1), &[a.key]).await.expect("blobs can be read");
    assert_eq!(blobs, [Some("one".into())], "nothing was written");
    flush(store, TWO, vec![put(a, "two")], 4, 20)
        .await
        .expect("the new owner may flush");
}

async fn markers_never_move_back(store: &dyn FeatureStore) {
    let a = unit(1, 1);
    claimed(store, slot(1), ONE).await;
    flush(store, ONE, vec![put(a, "a")], 7, 10)
        .await
        .expect("the owner may flush");
    let back = flush(store, ONE, vec![put(a, "b")], 6, 20)
        .await
        .expect_err("a marker does not move back");
    assert!(
        matches!(back, StoreError::MovedBack { marker: 7, asked: 6 }),
        "{back:?}"
    );
    let blobs = store.blobs(slot(1), &[a.key]).await.expect("blobs can be read");
    assert_eq!(blobs, [Some("a".into())], "nothing was written");
    flush(store, ONE, vec![], 7, 20).await.expect("it may stay");
}

async fn slots_are_apart(store: &dyn FeatureStore) {
    let a = unit(1, 1);
    let other = Slot {
        schema: SchemaHash([2; 8]),
        partition: 1,
    };
    claimed(store, slot(1), ONE).await;
    flush(store, ONE, vec![put(a, "a")], 1, 10)
        .await
        .expect("the owner may flush");
    let read = store.read(other.schema, a, Timestamp(10)).await;
    assert_eq!(
        read,
        Read::Unknown(Unknown::NoMarker),
        "another schema's marker tells nothing"
    );
    assert_eq!(claimed(store, other, TWO).await, None);
    assert_eq!(claimed(store, slot(2), TWO).await, None);
    flush(store, ONE, vec![], 2, 10)
        .await
        .expect("claims of other slots fence nobody here");
    assert_eq!(
        store.blobs(other, &[a.key]).await.expect("blobs can be read"),
        [None]
    );
    let elsewhere = Unit { key: a.key, shard: 2 };
    assert_eq!(
        store.read(SCHEMA, elsewhere, Timestamp(10)).await,
        Read::Unknown(Unknown::NoMarker)
    );
}

async fn a_reset_forgets(store: &dyn FeatureStore) {
    let a = unit(1, 1);
    claimed(store, slot(1), ONE).await;
    flush(store, ONE, vec![put(a, "a")], 7, 10)
        .await
        .expect("the owner may flush");
    store.reset(slot(1), ONE).await.expect("the owner may reset");
    assert_eq!(store.marker(slot(1)).await.expect("a marker can be read"), None);
    assert_eq!(
        store.read(SCHEMA, a, Timestamp(10)).await,
        Read::Unknown(Unknown::NoMarker)
    );
    assert_eq!(
        store.blobs(slot(1), &[a.key]).await.expect("blobs can be read"),
        [None]
    );
    flush(store, ONE, vec![], 1, 20)
        .await
        .expect("the owner stays, and begins again");
    assert_eq!(store.read(SCHEMA, a, Timestamp(20)).await, Read::Absent);
}

/// Eight owners, each claiming once and then counting up from the marker until it is fenced: the blob is always the
/// marker's count, and no count is lost.
async fn racing_owners_leave_one_history(store: Arc<dyn FeatureStore>) {
    let counter = unit(1, 1);
    let mut owners = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(&store);
        owners.spawn(async move {
            let owner = Owner(100 + number);
            let from = claimed(&*store, slot(1), owner)
                .await
                .map_or(0, |marker| marker.next_offset);
            let mut written = 0;
            for next in from + 1..=from + 20 {
                let blob = put(counter, &next.to_string());
                match flush(&*store, owner, vec![blob], next, 1).await {
                    Ok(()) => written += 1,
                    Err(StoreError::Fenced { .. }) => break,
                    Err(error) => panic!("a race must end in a fence: {error}"),
                }
            }
            written
        });
    }
    let mut written = 0;
    while let Some(one) = owners.join_next().await {
        written += one.expect("an owner does not panic");
    }
    let marker = store
        .marker(slot(1))
        .await
        .expect("a marker can be read")
        .expect("the last owner wrote");
    assert_eq!(
        marker.next_offset, written,
        "every acknowledged flush moved the marker by one"
    );
    let blobs = store
        .blobs(slot(1), &[counter.key])
        .await
        .expect("blobs can be read");
    assert_eq!(blobs, [Some(Bytes::from(written.to_string()))]);
}
