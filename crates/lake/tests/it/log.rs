//! The log over time: checkpoints bound what opening reads, compaction keeps every row, old versions stay readable.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use crate::support::place::Place;
use crate::support::{NOW, all, at, events, faulty, nowhere, sorted};
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_lake::{Lake, LakeError, Offsets};
use object_store::ObjectStoreExt;

async fn many_commits(lake: &Lake, commits: u64) {
    let mut expected = Offsets::new();
    for step in 0..commits {
        let next = at(0, (step + 1) * 2);
        lake.events()
            .append(events(step * 2, step * 2 + 2), &next, &expected, NOW)
            .await
            .unwrap();
        expected = next;
    }
}

async fn opening_reads_from_the_last_checkpoint_on(place: Place) {
    let store = faulty(place.store.clone());
    let lake = Lake::over(store.clone(), place.prefix.clone(), 2, NOW)
        .await
        .unwrap();
    many_commits(&lake, 205).await;
    for version in 0..200u64 {
        store
            .delete(&place.path(&format!("events/_delta_log/{version:020}.json")))
            .await
            .unwrap();
    }
    store.reads.store(0, Ordering::SeqCst);
    let again = Lake::load_over(store.clone(), place.prefix.clone())
        .await
        .unwrap();
    assert!(store.reads.load(Ordering::SeqCst) < 20);
    let snapshot = again.events().snapshot(None).await.unwrap();
    assert_eq!(snapshot.version, 205);
    assert_eq!(snapshot.offsets(), &at(0, 410));
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 410)));

    // Old versions come from their checkpoint; those before it went with their log.
    assert_eq!(again.events().snapshot(Some(202)).await.unwrap().rows(), 404);
    assert_eq!(again.events().snapshot(Some(100)).await.unwrap().rows(), 200);
    assert!(matches!(
        again.events().snapshot(Some(150)).await.unwrap_err(),
        LakeError::NoVersion { version: 150 }
    ));

    // A lost hint costs a listing, nothing else.
    store
        .delete(&place.path("events/_delta_log/_last_checkpoint"))
        .await
        .unwrap();
    let unhinted = Lake::load_over(store, place.prefix.clone()).await.unwrap();
    assert_eq!(unhinted.events().snapshot(None).await.unwrap().version, 205);
}

async fn every_version_holds_what_was_appended_until_then(place: Place) {
    let lake = place.open(2).await;
    many_commits(&lake, 105).await;
    for version in [0, 1, 99, 100, 101, 105] {
        let snapshot = lake.events().snapshot(Some(version)).await.unwrap();
        assert_eq!((snapshot.version, snapshot.rows()), (version, 2 * version));
    }
}

async fn compaction_keeps_rows_offsets_and_old_versions(place: Place) {
    let lake = place.open(2).await;
    many_commits(&lake, 40).await;
    let before = lake.events().snapshot(None).await.unwrap();
    let done = lake.events().compact(Timestamp(NOW.0 + DAY_US)).await.unwrap();
    let after = lake.events().snapshot(None).await.unwrap();
    assert_eq!(done.files_added, 6, "three days, two buckets");
    assert_eq!(
        after.files().len(),
        before.files().len() - done.files_removed + done.files_added
    );
    assert_eq!((after.rows(), after.offsets()), (before.rows(), before.offsets()));
    assert_eq!(all(&after, 2).await, sorted(events(0, 80)));
    assert_eq!(all(&before, 2).await, sorted(events(0, 80)));
    assert_eq!(lake.events().compact(NOW).await.unwrap().files_added, 0);

    let again = place.load().await.unwrap();
    assert_eq!(
        again.events().snapshot(None).await.unwrap().files(),
        after.files()
    );
    let old = again.events().snapshot(Some(before.version)).await.unwrap();
    assert_eq!(old.files(), before.files());
    assert_eq!(all(&old, 2).await, sorted(events(0, 80)));
}

async fn racing_compactions_and_appends_lose_no_row(place: Place) {
    let lake = place.open(2).await;
    many_commits(&lake, 30).await;
    let mut tasks = Vec::new();
    for later in 0..2i64 {
        let lake = place.load().await.unwrap();
        tasks.push(tokio::spawn(async move {
            lake.events()
                .compact(Timestamp(NOW.0 + later * 1000))
                .await
                .map(|_| ())
        }));
    }
    let appender = place.load().await.unwrap();
    tasks.push(tokio::spawn(async move {
        appender
            .events()
            .append(events(60, 70), &at(0, 70), &at(0, 60), NOW)
            .await
            .map(|_| ())
    }));
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let snapshot = place.load().await.unwrap().events().snapshot(None).await.unwrap();
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 70)));
    assert_eq!(snapshot.rows(), 70);
}

async fn a_table_that_needs_more_than_we_know_is_refused(place: Place) {
    let lake = place.open(2).await;
    lake.events()
        .append(events(0, 4), &at(0, 4), &nowhere(), NOW)
        .await
        .unwrap();
    let upgrade = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}"#;
    let next = place.path(&format!("events/_delta_log/{:020}.json", 2));
    place.store.put(&next, upgrade.into()).await.unwrap();
    let error = lake.events().snapshot(None).await.unwrap_err();
    assert!(matches!(error, LakeError::Protocol { reader: 3, writer: 7 }));
    let error = lake
        .events()
        .append(events(4, 8), &at(0, 8), &at(0, 4), NOW)
        .await
        .unwrap_err();
    assert!(matches!(error, LakeError::Protocol { .. }));
}

async fn a_malformed_log_or_file_is_named(place: Place) {
    let store = place.store.clone();
    let lake = place.open(1).await;
    lake.events()
        .append(events(0, 4), &at(0, 4), &nowhere(), NOW)
        .await
        .unwrap();
    let snapshot = lake.events().snapshot(None).await.unwrap();
    let file = snapshot.files()[0].path.clone();
    store.put(&file, "not parquet".into()).await.unwrap();
    let error = snapshot
        .read_bucket(0, ceteris_lake::EventColumn::ALL)
        .await
        .unwrap_err();
    assert!(error.to_string().contains(file.as_ref()), "{error}");
    store
        .put(&place.path("events/_delta_log/_last_checkpoint"), "{".into())
        .await
        .unwrap();
    let name = format!("events/_delta_log/{:020}.json", 1);
    store.put(&place.path(&name), "{\"add\":".into()).await.unwrap();
    let error = place.load().await.unwrap_err();
    assert!(error.to_string().contains(&name), "{error}");
}

on_both!(
    opening_reads_from_the_last_checkpoint_on,
    every_version_holds_what_was_appended_until_then,
    compaction_keeps_rows_offsets_and_old_versions,
    racing_compactions_and_appends_lose_no_row,
    a_table_that_needs_more_than_we_know_is_refused,
    a_malformed_log_or_file_is_named,
);
