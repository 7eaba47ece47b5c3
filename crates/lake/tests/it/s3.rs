//! S3 away, slow, silent, or deaf to nothing but its own replies: what was answered has landed, once.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::place::{Place, server, storage};
use crate::support::{NOW, TOPIC, all, at, events, faulty, nowhere, sorted};
use ceteris_lake::{Disposition, EventColumn, HasDisposition, Lake};
use ceteris_testkit::proxy::{Proxy, Weather};
use ceteris_testkit::wait::wait_for;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

const PATIENCE: Duration = Duration::from_secs(60);

/// A lake whose client reaches S3 through the proxy, and the same objects without it.
struct Behind {
    proxy: Proxy,
    lake: Lake,
    direct: Arc<dyn ObjectStore>,
    prefix: Path,
}

async fn behind() -> Behind {
    let server = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let mut through = storage(&format!("http://{}", proxy.address()));
    through.request_timeout = Duration::from_millis(500);
    through.retries_max = 2;
    let (store, prefix) = through.open().unwrap();
    let mut direct = through.clone();
    direct.endpoint = Some(server.endpoint());
    direct.request_timeout = Duration::from_secs(20);
    Behind {
        lake: Lake::over(store, prefix.clone(), 2, NOW).await.unwrap(),
        direct: direct.open().unwrap().0,
        prefix,
        proxy,
    }
}

impl Behind {
    fn commit(&self, version: u64) -> Path {
        let name = format!("{version:020}.json");
        self.prefix.clone().join("events").join("_delta_log").join(name)
    }

    async fn committed(&self, version: u64) {
        wait_for("the commit in S3", PATIENCE, || async {
            Ok(self.direct.head(&self.commit(version)).await.ok())
        })
        .await
        .unwrap();
    }

    /// What a worker does after an error: from the offset of record on, until everything is in.
    async fn catch_up(&self, to: u64) {
        wait_for("the events in the lake", PATIENCE, || async {
            let offsets = self.lake.events().offsets().await?;
            let from = offsets.get(&(TOPIC.to_owned(), 0)).copied().unwrap_or(0);
            if from >= to {
                return Ok(Some(()));
            }
            self.lake
                .events()
                .append(events(from, to), &at(0, to), &offsets, NOW)
                .await?;
            Ok(None)
        })
        .await
        .unwrap();
    }

    async fn holds(&self, to: u64) {
        let reader = Lake::load_over(self.direct.clone(), self.prefix.clone())
            .await
            .unwrap();
        let snapshot = reader.events().snapshot(None).await.unwrap();
        assert_eq!(snapshot.offsets(), &at(0, to));
        assert_eq!(all(&snapshot, 2).await, sorted(events(0, to)));
    }
}

#[tokio::test]
async fn a_commit_whose_reply_is_cut_is_read_back_and_counts_once() {
    let behind = behind().await;
    behind.catch_up(10).await;
    behind.proxy.set(Weather::Mute);
    let lake = behind.lake.clone();
    let append = tokio::spawn(async move {
        lake.events()
            .append(Vec::new(), &at(0, 17), &at(0, 10), NOW)
            .await
    });
    behind.committed(2).await;
    behind.proxy.set(Weather::Fair);
    match append.await.unwrap() {
        Ok(version) => assert_eq!(version, 2),
        // Nobody answered until patience ran out: unknown, never a conflict.
        Err(error) => assert_eq!(error.disposition(), Disposition::Retry, "{error}"),
    }
    assert_eq!(behind.lake.events().offsets().await.unwrap(), at(0, 17));
    assert!(
        behind.direct.head(&behind.commit(3)).await.is_err(),
        "it landed once"
    );
}

#[tokio::test]
async fn away_and_back_every_event_lands_once() {
    let behind = behind().await;
    behind.catch_up(20).await;
    for (weather, to) in [(Weather::Down, 40), (Weather::Still, 60), (Weather::Mute, 80)] {
        behind.proxy.set(weather);
        let from = to - 20;
        let error = behind
            .lake
            .events()
            .append(events(from, to), &at(0, to), &at(0, from), NOW)
            .await
            .unwrap_err();
        assert_eq!(error.disposition(), Disposition::Retry, "{weather:?}: {error}");
        behind.proxy.set(Weather::Fair);
        behind.catch_up(to).await;
        behind.holds(to).await;
    }
    behind.proxy.set(Weather::Slow(Duration::from_millis(20)));
    behind.catch_up(100).await;
    behind.holds(100).await;
}

#[tokio::test]
async fn a_commit_costs_its_files_and_one_put() {
    let place = Place::s3().await;
    let store = faulty(place.store.clone());
    let lake = Lake::over(store.clone(), place.prefix.clone(), 2, NOW)
        .await
        .unwrap();
    lake.events()
        .append(events(0, 60), &at(0, 60), &nowhere(), NOW)
        .await
        .unwrap();
    store.reads.store(0, Ordering::SeqCst);
    store.writes.store(7, Ordering::SeqCst);
    lake.events()
        .append(events(60, 120), &at(0, 120), &at(0, 60), NOW)
        .await
        .unwrap();
    assert_eq!(store.reads.load(Ordering::SeqCst), 0);
    assert_eq!(
        store.writes.load(Ordering::SeqCst),
        0,
        "three days, two buckets, one commit"
    );
}

#[tokio::test]
async fn a_read_has_several_files_in_flight_and_not_all() {
    let place = Place::s3().await;
    let store = faulty(place.store.clone());
    let lake = Lake::over(store.clone(), place.prefix.clone(), 1, NOW)
        .await
        .unwrap();
    let mut expected = nowhere();
    for step in 1..=20u64 {
        let next = at(0, step * 3);
        lake.events()
            .append(events(step * 3 - 3, step * 3), &next, &expected, NOW)
            .await
            .unwrap();
        expected = next;
    }
    let snapshot = lake.events().snapshot(None).await.unwrap();
    assert_eq!(snapshot.files().len(), 60);
    store.flying_max.store(0, Ordering::SeqCst);
    let read = snapshot.read_bucket(0, EventColumn::ALL).await.unwrap();
    assert_eq!(read.len(), 60);
    let flying = store.flying_max.load(Ordering::SeqCst);
    assert!((4..=8).contains(&flying), "{flying} at once");
}
