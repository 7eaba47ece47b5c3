//! Appends land whole, once, and in the hands of the writer that owns the partition.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use crate::support::place::Place;
use crate::support::{NOW, TOPIC, all, at, event, events, faulty, nowhere, sorted};
use ceteris_contract::time::Timestamp;
use ceteris_lake::{Disposition, EventColumn, HasDisposition, Lake, LakeError, Offsets};

async fn events_read_back_by_bucket_with_their_offsets(place: Place) {
    let lake = place.open(8).await;
    let table = lake.events();
    assert_eq!(
        table
            .append(events(0, 300), &at(0, 300), &nowhere(), NOW)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        table
            .append(events(300, 400), &at(0, 400), &at(0, 300), NOW)
            .await
            .unwrap(),
        2
    );

    let reader = place.load().await.unwrap();
    assert_eq!(reader.buckets(), 8);
    let snapshot = reader.events().snapshot(None).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows()), (2, 400));
    assert_eq!(snapshot.offsets(), &at(0, 400));
    assert_eq!(all(&snapshot, 8).await, sorted(events(0, 400)));
    let first = reader.events().snapshot(Some(1)).await.unwrap();
    assert_eq!(all(&first, 8).await, sorted(events(0, 300)));
    let missing = reader.events().snapshot(Some(9)).await.unwrap_err();
    assert!(matches!(missing, LakeError::NoVersion { version: 9 }));
}

async fn a_scan_decodes_only_what_is_asked_for(place: Place) {
    let lake = place.open(4).await;
    lake.events()
        .append(events(0, 90), &at(0, 90), &nowhere(), NOW)
        .await
        .unwrap();
    let snapshot = lake.events().snapshot(None).await.unwrap();
    let columns = [EventColumn::EventType, EventColumn::Ts];
    let (purchases, latest, others) = snapshot
        .scan(
            None,
            &columns,
            (0, Timestamp(0), 0),
            |(purchases, latest, others), event| {
                *purchases += usize::from(event.event_type == "purchase");
                *latest = event.ts.max(*latest);
                *others += event.event_id.len() + event.properties.len();
            },
        )
        .await
        .unwrap();
    assert_eq!((purchases, latest, others), (30, event(89).event.ts, 0));

    let second_day = snapshot.between(event(1).event.ts, event(1).event.ts);
    assert_eq!(second_day.rows(), 30);
    assert!(second_day.files().iter().all(|file| file.dt == "2026-01-02"));
}

async fn a_writer_whose_partition_moved_is_fenced_and_leaves_no_rows(place: Place) {
    let old = place.open(2).await;
    let new = place.open(2).await;
    old.events()
        .append(events(0, 10), &at(0, 10), &nowhere(), NOW)
        .await
        .unwrap();
    assert_eq!(new.events().offsets().await.unwrap(), at(0, 10));
    new.events()
        .append(events(10, 30), &at(0, 30), &at(0, 10), NOW)
        .await
        .unwrap();

    let error = old
        .events()
        .append(events(10, 20), &at(0, 20), &at(0, 10), NOW)
        .await
        .unwrap_err();
    assert_eq!(error.disposition(), Disposition::Park);
    match error {
        LakeError::Fenced {
            topic,
            partition,
            expected,
            found,
        } => {
            assert_eq!(
                (topic.as_str(), partition, expected, found),
                (TOPIC, 0, Some(10), Some(30))
            );
        }
        other => panic!("{other}"),
    }
    // A partition of which the writer expects nothing must not be there either.
    let again = old
        .events()
        .append(events(0, 1), &at(0, 1), &nowhere(), NOW)
        .await
        .unwrap_err();
    assert!(matches!(
        again,
        LakeError::Fenced {
            expected: None,
            found: Some(30),
            ..
        }
    ));
    let back = new
        .events()
        .append(Vec::new(), &at(0, 29), &at(0, 30), NOW)
        .await
        .unwrap_err();
    assert!(matches!(
        back,
        LakeError::OffsetMovesBack { from: 30, to: 29, .. }
    ));
    let snapshot = old.events().snapshot(None).await.unwrap();
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 30)));
}

async fn two_writers_on_one_folder_land_each_commit_once(place: Place) {
    let mut tasks = Vec::new();
    for partition in 0..2u32 {
        let lake = place.open(2).await;
        tasks.push(tokio::spawn(async move {
            let mut expected = Offsets::new();
            for step in 0..30u64 {
                let from = u64::from(partition) * 1000 + step * 5;
                let next = at(partition, (step + 1) * 5);
                lake.events()
                    .append(events(from, from + 5), &next, &expected, NOW)
                    .await
                    .unwrap();
                expected = next;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let lake = place.load().await.unwrap();
    let snapshot = lake.events().snapshot(None).await.unwrap();
    assert_eq!(snapshot.version, 60);
    let mut both = events(0, 150);
    both.extend(events(1000, 1150));
    assert_eq!(all(&snapshot, 2).await, sorted(both));
}

async fn of_two_writers_of_one_partition_one_lands_and_one_is_fenced(place: Place) {
    for round in 0..10 {
        let root = place.path(&format!("round-{round}"));
        let mut tasks = Vec::new();
        for writer in 0..2u64 {
            let lake = Lake::over(place.store.clone(), root.clone(), 2, NOW)
                .await
                .unwrap();
            // The zombie saw a longer batch than its successor.
            let rows = events(0, 10 + writer);
            tasks.push(tokio::spawn(async move {
                lake.events()
                    .append(rows, &at(0, 10 + writer), &nowhere(), NOW)
                    .await
            }));
        }
        let mut landed = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => landed += 1,
                Err(error) => assert!(matches!(error, LakeError::Fenced { .. }), "{error}"),
            }
        }
        assert_eq!(landed, 1, "round {round}");
        let lake = Lake::load_over(place.store.clone(), root).await.unwrap();
        let offset = lake.events().offsets().await.unwrap()[&(TOPIC.to_owned(), 0)];
        let snapshot = lake.events().snapshot(None).await.unwrap();
        assert_eq!(all(&snapshot, 2).await, sorted(events(0, offset)));
    }
}

async fn a_crash_before_the_commit_leaves_orphans_that_no_reader_sees(place: Place) {
    let store = faulty(place.store.clone());
    let lake = Lake::over(store.clone(), place.prefix.clone(), 2, NOW)
        .await
        .unwrap();
    lake.events()
        .append(events(0, 10), &at(0, 10), &nowhere(), NOW)
        .await
        .unwrap();
    store.refuse.store(usize::MAX, Ordering::SeqCst);
    assert!(
        lake.events()
            .append(events(10, 40), &at(0, 40), &at(0, 10), NOW)
            .await
            .is_err()
    );
    let orphaned = place.data_files().await;

    let after = place.load().await.unwrap();
    assert_eq!(after.events().offsets().await.unwrap(), at(0, 10));
    let snapshot = after.events().snapshot(None).await.unwrap();
    assert!(orphaned.len() > snapshot.files().len());
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 10)));

    // The batch comes again from the log: it lands over its own orphans.
    after
        .events()
        .append(events(10, 40), &at(0, 40), &at(0, 10), NOW)
        .await
        .unwrap();
    assert_eq!(place.data_files().await, orphaned);
    let snapshot = after.events().snapshot(None).await.unwrap();
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 40)));
}

async fn killed_at_any_put_every_row_lands_once(place: Place) {
    let mut puts = 0;
    loop {
        let store = faulty(place.store.clone());
        let root = place.path(&format!("killed-{puts}"));
        let lake = Lake::over(store.clone(), root.clone(), 2, NOW).await.unwrap();
        lake.events()
            .append(events(0, 10), &at(0, 10), &nowhere(), NOW)
            .await
            .unwrap();
        store.writes.store(puts, Ordering::SeqCst);
        let answered = lake
            .events()
            .append(events(10, 40), &at(0, 40), &at(0, 10), NOW)
            .await;

        // A new process starts from the offset of record, wherever the old one ended.
        store.writes.store(usize::MAX, Ordering::SeqCst);
        let after = Lake::load_over(store, root).await.unwrap();
        let next = after.events().offsets().await.unwrap();
        let from = next[&(TOPIC.to_owned(), 0)];
        assert_eq!(from, if answered.is_ok() { 40 } else { 10 }, "after {puts} puts");
        after
            .events()
            .append(events(from, 50), &at(0, 50), &next, NOW)
            .await
            .unwrap();
        let snapshot = after.events().snapshot(None).await.unwrap();
        assert_eq!(
            all(&snapshot, 2).await,
            sorted(events(0, 50)),
            "after {puts} puts"
        );
        if answered.is_ok() {
            break;
        }
        puts += 1;
    }
    assert_eq!(puts, 7, "six data files and the commit");
}

async fn a_lost_reply_is_settled_by_reading_the_commit_back(place: Place) {
    let store = faulty(place.store.clone());
    let lake = Lake::over(store.clone(), place.prefix.clone(), 2, NOW)
        .await
        .unwrap();
    store.lose.store(1, Ordering::SeqCst);
    assert_eq!(
        lake.events()
            .append(events(0, 10), &at(0, 10), &nowhere(), NOW)
            .await
            .unwrap(),
        1
    );
    store.refuse.store(2, Ordering::SeqCst);
    assert_eq!(
        lake.events()
            .append(events(10, 20), &at(0, 20), &at(0, 10), NOW)
            .await
            .unwrap(),
        2
    );
    let snapshot = lake.events().snapshot(None).await.unwrap();
    assert_eq!((snapshot.version, snapshot.rows()), (2, 20));
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 20)));
}

async fn a_lost_reply_to_a_lost_race_is_a_fence_and_no_success(place: Place) {
    let store = faulty(place.store.clone());
    let zombie = Lake::over(store.clone(), place.prefix.clone(), 2, NOW)
        .await
        .unwrap();
    zombie
        .events()
        .append(events(0, 10), &at(0, 10), &nowhere(), NOW)
        .await
        .unwrap();
    let successor = place.load().await.unwrap();
    successor
        .events()
        .append(events(10, 30), &at(0, 30), &at(0, 10), NOW)
        .await
        .unwrap();
    // The zombie's put finds the version taken, and the answer that says so is lost.
    store.lose.store(1, Ordering::SeqCst);
    let error = zombie
        .events()
        .append(events(10, 20), &at(0, 20), &at(0, 10), NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(error, LakeError::Fenced { found: Some(30), .. }),
        "{error}"
    );
    assert_eq!(store.lose.load(Ordering::SeqCst), 0);
    let snapshot = successor.events().snapshot(None).await.unwrap();
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 30)));
}

async fn offsets_move_without_rows_but_rows_never_without_offsets(place: Place) {
    let lake = place.open(2).await;
    let error = lake
        .events()
        .append(events(0, 3), &nowhere(), &nowhere(), NOW)
        .await
        .unwrap_err();
    assert!(matches!(error, LakeError::NoOffsets));
    assert_eq!(
        lake.events()
            .append(Vec::new(), &nowhere(), &nowhere(), NOW)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        lake.events()
            .append(Vec::new(), &at(3, 7), &nowhere(), NOW)
            .await
            .unwrap(),
        1
    );
    assert_eq!(lake.events().offsets().await.unwrap(), at(3, 7));
}

async fn the_number_of_buckets_is_fixed_at_creation(place: Place) {
    for buckets in [0, 3, 8192] {
        let error = place.try_open(buckets).await.unwrap_err();
        assert!(matches!(error, LakeError::InvalidBuckets { .. }));
    }
    assert!(matches!(
        place.load().await.unwrap_err(),
        LakeError::NoTable { .. }
    ));
    place.open(8).await;
    let error = place.try_open(16).await.unwrap_err();
    assert!(matches!(
        error,
        LakeError::BucketsMismatch { asked: 16, found: 8 }
    ));
}

on_both!(
    events_read_back_by_bucket_with_their_offsets,
    a_scan_decodes_only_what_is_asked_for,
    a_writer_whose_partition_moved_is_fenced_and_leaves_no_rows,
    two_writers_on_one_folder_land_each_commit_once,
    of_two_writers_of_one_partition_one_lands_and_one_is_fenced,
    a_crash_before_the_commit_leaves_orphans_that_no_reader_sees,
    killed_at_any_put_every_row_lands_once,
    a_lost_reply_is_settled_by_reading_the_commit_back,
    a_lost_reply_to_a_lost_race_is_a_fence_and_no_success,
    offsets_move_without_rows_but_rows_never_without_offsets,
    the_number_of_buckets_is_fixed_at_creation,
);
