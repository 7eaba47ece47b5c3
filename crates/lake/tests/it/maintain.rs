//! Maintenance beside writers and readers: small files merge, what nobody can open any more goes, no row is lost.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::place::Place;
use crate::support::{NOW, all, at, events, nowhere, sorted};
use ceteris_lake::{Lake, LakeError, Maintained, Maintenance, Offsets};
use object_store::path::Path;

/// Everything at once: age protects nothing.
fn now() -> Maintenance {
    Maintenance {
        merges_max: usize::MAX,
        retention: Duration::ZERO,
        vacuum_every: Duration::ZERO,
    }
}

/// Commits of two events each, from event `from` on.
async fn append(lake: &Lake, from: u64, to: u64) {
    for at_event in (from..to).step_by(2) {
        let expected = if at_event == 0 { nowhere() } else { at(0, at_event) };
        let rows = events(at_event, at_event + 2);
        lake.events()
            .append(rows, &at(0, at_event + 2), &expected, NOW)
            .await
            .unwrap();
    }
}

async fn live(lake: &Lake) -> Vec<Path> {
    let snapshot = lake.events().snapshot(None).await.unwrap();
    let mut paths: Vec<Path> = snapshot.files().iter().map(|file| file.path.clone()).collect();
    paths.sort();
    paths
}

async fn what_no_kept_version_names_is_deleted(place: Place) {
    let lake = place.open(2).await;
    append(&lake, 0, 60).await;
    let merged = lake.maintain_with(NOW, &now()).await.unwrap();
    assert!(merged.files_added == 6 && merged.files_merged > 30, "{merged:?}");
    assert_eq!(
        (merged.files_deleted, merged.more),
        (0, false),
        "no checkpoint knows of it yet"
    );
    append(&lake, 60, 480).await;
    let before = place.data_files().await.len();
    assert!(before > live(&lake).await.len());

    let vacuum = Maintenance {
        merges_max: 0,
        ..now()
    };
    let done = lake.maintain_with(NOW, &vacuum).await.unwrap();
    assert_eq!(done.files_deleted, merged.files_merged);
    assert!(done.log_files_deleted >= 100, "{done:?}");
    assert_eq!(
        place.data_files().await,
        live(&lake).await,
        "nothing else is left"
    );

    for lake in [lake, place.load().await.unwrap()] {
        let newest = lake.events().snapshot(None).await.unwrap();
        assert_eq!(all(&newest, 2).await, sorted(events(0, 480)));
        let old = lake.events().snapshot(Some(50)).await.unwrap_err();
        assert!(matches!(old, LakeError::NoVersion { version: 50 }), "{old}");
        let kept = lake.events().snapshot(Some(newest.version - 5)).await.unwrap();
        assert_eq!(kept.rows(), 470);
        let again = lake.maintain_with(NOW, &vacuum).await.unwrap();
        assert_eq!(
            again,
            Maintained {
                more: again.more,
                ..Maintained::default()
            }
        );
    }
}

async fn a_week_of_retention_keeps_what_a_reader_has_pinned(place: Place) {
    let lake = place.open(2).await;
    append(&lake, 0, 240).await;
    let pinned = lake.events().snapshot(None).await.unwrap();
    for _ in 0..3 {
        lake.maintain(NOW).await.unwrap();
    }
    append(&lake, 240, 480).await;
    let how = Maintenance {
        vacuum_every: Duration::ZERO,
        ..Maintenance::default()
    };
    let done = lake.maintain_with(NOW, &how).await.unwrap();
    assert_eq!((done.files_deleted, done.log_files_deleted), (0, 0));
    assert_eq!(all(&pinned, 2).await, sorted(events(0, 240)));
    let again = place.load().await.unwrap();
    let old = again.events().snapshot(Some(pinned.version)).await.unwrap();
    assert_eq!(old.files(), pinned.files());
}

async fn a_call_merges_as_much_as_it_may_and_says_that_there_is_more(place: Place) {
    let lake = place.open(2).await;
    append(&lake, 0, 60).await;
    let how = Maintenance {
        merges_max: 4,
        ..Maintenance::default()
    };
    let first = lake.maintain_with(NOW, &how).await.unwrap();
    assert_eq!((first.files_added, first.more), (4, true));
    let second = lake.maintain_with(NOW, &how).await.unwrap();
    assert_eq!((second.files_added, second.more), (2, false));
    let snapshot = lake.events().snapshot(None).await.unwrap();
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 60)));
}

async fn maintainers_beside_writers_and_readers_lose_no_row(place: Place) {
    let lake = place.open(2).await;
    append(&lake, 0, 40).await;
    let writing = Arc::new(AtomicBool::new(true));
    let mut maintainers = Vec::new();
    for _ in 0..2 {
        let (lake, writing) = (place.load().await.unwrap(), writing.clone());
        maintainers.push(tokio::spawn(async move {
            let mut merged = 0;
            while writing.load(Ordering::SeqCst) {
                merged += lake.maintain_with(NOW, &now()).await.unwrap().files_merged;
                // What a maintainer sees at any moment is whole.
                let snapshot = lake.events().snapshot(None).await.unwrap();
                let to = snapshot.offsets()[&(crate::support::TOPIC.to_owned(), 0)];
                assert_eq!(snapshot.rows(), to);
            }
            merged
        }));
    }
    let mut expected: Offsets = at(0, 40);
    for from in (40..360).step_by(2) {
        let next = at(0, from + 2);
        lake.events()
            .append(events(from, from + 2), &next, &expected, NOW)
            .await
            .unwrap();
        expected = next;
    }
    writing.store(false, Ordering::SeqCst);
    let mut merged = 0;
    for maintainer in maintainers {
        merged += maintainer.await.unwrap();
    }
    assert!(merged > 0);
    let lake = place.load().await.unwrap();
    let snapshot = lake.events().snapshot(None).await.unwrap();
    assert_eq!(all(&snapshot, 2).await, sorted(events(0, 360)));
}

on_both!(
    what_no_kept_version_names_is_deleted,
    a_week_of_retention_keeps_what_a_reader_has_pinned,
    a_call_merges_as_much_as_it_may_and_says_that_there_is_more,
    maintainers_beside_writers_and_readers_lose_no_row,
);
