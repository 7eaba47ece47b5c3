//! A write-once put tells what stands there afterwards, whatever became of its reply.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use ceteris_objects::faults::FaultyStore;
use ceteris_objects::{Created, Disposition, HasDisposition, ObjectError, Objects};
use object_store::memory::InMemory;
use object_store::path::Path;

const NAME: &str = "moves/0000000001.json";

fn store() -> Arc<FaultyStore> {
    FaultyStore::over(Arc::new(InMemory::new()))
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test]
async fn a_put_that_was_applied_and_whose_reply_is_lost_counts_as_done() {
    let store = store();
    let objects = Objects::new(store.clone(), Path::from("root"));
    store.lose.store(1, Ordering::SeqCst);
    assert_eq!(objects.create(NAME, text("ada")).await.unwrap(), Created::Same);
    assert_eq!(store.lose.load(Ordering::SeqCst), 0);
    assert_eq!(objects.get(NAME).await.unwrap(), Some(text("ada")));
}

#[tokio::test]
async fn a_lost_race_is_told_as_one_though_its_reply_is_lost_too() {
    let store = store();
    let objects = Objects::new(store.clone(), Path::default());
    objects.create(NAME, text("ada")).await.unwrap();
    for lost in [0, 1] {
        store.lose.store(lost, Ordering::SeqCst);
        let bob = objects.create(NAME, text("bob")).await.unwrap();
        assert_eq!(bob, Created::Other(text("ada")), "{lost} replies lost");
    }
    assert_eq!(objects.get(NAME).await.unwrap(), Some(text("ada")));
}

#[tokio::test]
async fn a_put_that_was_not_applied_says_so_and_may_be_repeated() {
    let store = store();
    let objects = Objects::new(store.clone(), Path::from("root"));
    store.refuse.store(1, Ordering::SeqCst);
    let error = objects.create(NAME, text("ada")).await.unwrap_err();
    assert!(matches!(error, ObjectError::NotWritten { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot write root/{NAME}"));
    assert_eq!(error.disposition(), Disposition::Retry);
    assert_eq!(objects.get(NAME).await.unwrap(), None);
    assert_eq!(objects.create(NAME, text("ada")).await.unwrap(), Created::Same);
}

#[tokio::test]
async fn where_reading_gets_no_reply_either_the_outcome_is_unknown() {
    let store = store();
    let objects = Objects::new(store.clone(), Path::default());
    for applied in [false, true] {
        let name = format!("applied-{applied}.json");
        let count = if applied { &store.lose } else { &store.refuse };
        count.store(1, Ordering::SeqCst);
        store.blind.store(1, Ordering::SeqCst);
        let error = objects.create(&name, text("ada")).await.unwrap_err();
        assert!(
            matches!(error, ObjectError::Store { what: "read", .. }),
            "{error:?}"
        );
        // Asking again settles it.
        assert_eq!(objects.create(&name, text("ada")).await.unwrap(), Created::Same);
    }
}

#[tokio::test]
async fn of_racing_writers_that_all_hear_nothing_one_has_written_and_the_others_are_told() {
    let store = store();
    let objects = Objects::new(store.clone(), Path::default());
    store.lose.store(8, Ordering::SeqCst);
    let writers = (0..8).map(|writer| {
        let objects = objects.clone();
        async move {
            objects
                .create(NAME, Bytes::from(format!("writer {writer}")))
                .await
        }
    });
    let answers = futures::future::join_all(writers).await;
    let stands = objects.get(NAME).await.unwrap().unwrap();
    let mut first = 0;
    for (writer, answer) in answers.into_iter().enumerate() {
        match answer.unwrap() {
            Created::Same => {
                first += 1;
                assert_eq!(stands, format!("writer {writer}"));
            }
            Created::Other(found) => assert_eq!(found, stands),
        }
    }
    assert_eq!(first, 1);
}
