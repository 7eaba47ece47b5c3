//! Lake and features fail apart: the one that is away is caught up afterwards, and never holds up the other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{PARTITIONS, compare_with_a_replay, features, house};
use async_trait::async_trait;
use bytes::Bytes;
use ceteris_chassis::Shutdown;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_feature_store::{FeatureStore, Marker, Owner, Read, Slot, StoreError, Write};
use ceteris_features::{SchemaHash, ViewSet};
use ceteris_stream::{EmbeddedLog, EmbeddedOptions};

/// A feature store that can be away.
struct Switched {
    store: Arc<dyn FeatureStore>,
    away: AtomicBool,
}

impl Switched {
    fn ask(&self) -> Result<&dyn FeatureStore, StoreError> {
        match self.away.load(Ordering::Acquire) {
            true => Err(StoreError::Interrupted),
            false => Ok(&*self.store),
        }
    }
}

#[async_trait]
impl FeatureStore for Switched {
    fn partitions(&self) -> u16 {
        self.store.partitions()
    }

    async fn claim(&self, slot: Slot, owner: Owner) -> Result<Option<Marker>, StoreError> {
        self.ask()?.claim(slot, owner).await
    }

    async fn flush(
        &self,
        slot: Slot,
        owner: Owner,
        writes: Vec<Write>,
        next_offset: u64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.ask()?.flush(slot, owner, writes, next_offset, at).await
    }

    async fn reset(&self, slot: Slot, owner: Owner) -> Result<(), StoreError> {
        self.ask()?.reset(slot, owner).await
    }

    async fn marker(&self, slot: Slot) -> Result<Option<Marker>, StoreError> {
        self.ask()?.marker(slot).await
    }

    async fn blobs(&self, slot: Slot, units: &[UnitKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.ask()?.blobs(slot, units).await
    }

    async fn read(&self, schema: SchemaHash, unit: Unit, now: Timestamp) -> Read {
        self.store.read(schema, unit, now).await
    }
}

/// Waits until something is so.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect(what);
}

#[tokio::test(flavor = "multi_thread")]
async fn features_that_are_away_do_not_hold_up_the_lake_and_are_caught_up() {
    let mut house = house().await;
    let switched = Arc::new(Switched {
        store: house.deps.features.clone(),
        away: AtomicBool::new(false),
    });
    house.deps.features = switched.clone();
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.send(0..300).await;
    house.wait_for(300).await;
    switched.away.store(true, Ordering::Release);
    house.send(300..900).await;
    until("the lake to go on", async || house.lake_rows().await == 900).await;
    switched.away.store(false, Ordering::Release);
    house.wait_for(900).await;
    house.send(900..1_000).await;
    house.wait_for(1_000).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert!(house.rows().await.values().all(|count| *count == 1));
    compare_with_a_replay(&house, 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_is_away_does_not_hold_up_the_features_and_is_caught_up() {
    let house = house().await;
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.send(0..300).await;
    house.wait_for(300).await;
    // A file where the table's folder was: nothing can be read there, and nothing written.
    let (table, aside) = (
        house.folder.path().join("lake/events"),
        house.folder.path().join("aside"),
    );
    until("the folder to be moved", async || {
        std::fs::rename(&table, &aside).is_ok() && std::fs::write(&table, "away").is_ok()
    })
    .await;
    house.send(300..900).await;
    house.wait_for_features().await;
    std::fs::remove_file(&table).unwrap();
    std::fs::rename(&aside, &table).unwrap();
    house.wait_for(900).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    let rows = house.rows().await;
    assert_eq!(rows.len(), 900);
    assert!(rows.values().all(|count| *count == 1));
    compare_with_a_replay(&house, 900).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn features_that_are_lost_are_rebuilt_from_the_lake_where_the_log_does_not_reach_back() {
    let mut house = house().await;
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    // In parts, so that the log has segments to drop.
    for part in 0..20 {
        house.send(part * 100..(part + 1) * 100).await;
    }
    house.wait_for(2_000).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();

    // The log forgets what the lake has, and the feature store everything.
    let folder = house.folder.path().to_path_buf();
    house.deps.features = features(&folder.join("other features"));
    let clock = house.deps.clock.clone();
    house.deps.log = Arc::new(EmbeddedLog::open(folder.join("no log"), Arc::new(|| 0)).unwrap());
    let options = EmbeddedOptions {
        segment_bytes_max: 10_000,
        ..EmbeddedOptions::default()
    };
    let mut trimmed = EmbeddedLog::open_with(folder.join("log"), Arc::new(move || clock.now().0), options);
    until("the log to be let go", async || {
        if trimmed.is_err() {
            let clock = house.deps.clock.clone();
            trimmed = EmbeddedLog::open_with(folder.join("log"), Arc::new(move || clock.now().0), options);
        }
        trimmed.is_ok()
    })
    .await;
    let log = trimmed.unwrap();
    for partition in 0..u32::from(PARTITIONS) {
        assert!(log.delete_before(USER_EVENTS, partition, u64::MAX).unwrap() > 0);
    }
    house.deps.log = Arc::new(log);

    let shutdown = Shutdown::new();
    let worker = house.start(2, &shutdown);
    house.send(2_000..2_300).await;
    house.wait_for(2_300).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert!(house.rows().await.values().all(|count| *count == 1));
    compare_with_a_replay(&house, 2_300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn features_lost_under_a_running_worker_are_rebuilt() {
    let house = house().await;
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.send(0..1_000).await;
    house.wait_for(1_000).await;
    let schema = ViewSet::compile(&house.deps.problems[0]).unwrap().schema();
    for partition in 0..PARTITIONS {
        // Another owner takes the slot and empties it, as a worker does that believes to have inherited it.
        let slot = Slot { schema, partition };
        let other = Owner(77);
        house.deps.features.claim(slot, other).await.unwrap();
        house.deps.features.reset(slot, other).await.unwrap();
    }
    house.send(1_000..1_500).await;
    house.wait_for(1_500).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert!(house.rows().await.values().all(|count| *count == 1));
    compare_with_a_replay(&house, 1_500).await;
}
