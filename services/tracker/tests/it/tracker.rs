//! The tracker over the embedded log and store: everything once, the unreadable kept, restarts and a log that fails now
//! and then without loss.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::sync::Arc;

use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_store::conformance::{all, batch};
use ceteris_store::{DecisionStore, SqliteStore};
use ceteris_stream::conformance::FaultyLog;
use ceteris_stream::{EventLog, NewRecord};

use crate::support::{Running, letters, log, send, stored};

async fn house() -> (tempfile::TempDir, Arc<dyn EventLog>, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let store = SqliteStore::open(&folder.path().join("decisions.sqlite"))
        .await
        .unwrap();
    (folder, log, Arc::new(store))
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_once_across_restarts_and_repeats() {
    let (_folder, log, store) = house().await;
    let tracker = Running::start(&log, store.clone());
    send(&*log, 0..500).await;
    stored(&*store, 500).await;
    tracker.stop().await.unwrap();

    // A forwarder that lost its cursor ships a part again while the tracker is away.
    send(&*log, 300..700).await;
    let tracker = Running::start(&log, store.clone());
    stored(&*store, 700).await;
    assert_eq!(tracker.count("ceteris_tracker_decisions_total"), 200);
    tracker.stop().await.unwrap();
    assert_eq!(
        all(&*store, Default::default(), 1_000).await,
        batch(0, 0, 0..700).records
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unreadable_is_kept_with_reason_and_origin() {
    let (_folder, log, store) = house().await;
    let odd = NewRecord::keyed("k", "{not json").on(2);
    log.produce(CAUSAL_DECISIONS, vec![odd]).await.unwrap();
    send(&*log, 0..10).await;
    let future = NewRecord::keyed("k", "{}").on(2).header(headers::SCHEMA, "99");
    log.produce(CAUSAL_DECISIONS, vec![future]).await.unwrap();
    let tracker = Running::start(&log, store.clone());
    stored(&*store, 10).await;
    let found = letters(&*log, 2).await;
    let reason = |i: usize| String::from_utf8(found[i].header(headers::REASON).unwrap().to_vec()).unwrap();
    assert_eq!(
        (reason(0), reason(1)),
        ("decision_not_readable".to_owned(), "decision_version".to_owned())
    );
    assert_eq!(
        found[0].header(headers::ORIGIN).unwrap().as_ref(),
        b"causal_decisions/2/0"
    );
    assert_eq!(found[0].payload.as_ref(), b"{not json");
    tracker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_record_as_large_as_the_log_takes_is_kept_by_its_origin() {
    let (_folder, log, store) = house().await;
    let payload = "x".repeat(ceteris_stream::RECORD_BYTES_MAX - 1);
    let records = vec![
        NewRecord::unkeyed("{").on(1),
        NewRecord::keyed("k", payload).on(1),
    ];
    log.produce(CAUSAL_DECISIONS, records).await.unwrap();
    let tracker = Running::start(&log, store.clone());
    let found = letters(&*log, 2).await;
    let large = found
        .iter()
        .find(|letter| letter.header(headers::ORIGIN).unwrap().as_ref() == b"causal_decisions/1/1")
        .unwrap();
    assert!(large.payload.is_empty());
    assert!(found.iter().any(|letter| letter.payload.as_ref() == b"{"));
    tracker.stop().await.unwrap();
    assert_eq!(store.next_offset(CAUSAL_DECISIONS, 1).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_fails_now_and_then_is_asked_again() {
    let (_folder, log, store) = house().await;
    let bad = NewRecord::keyed("k", "no record").on(0);
    log.produce(CAUSAL_DECISIONS, vec![bad]).await.unwrap();
    send(&*log, 0..300).await;
    let flaky: Arc<dyn EventLog> = Arc::new(FaultyLog::over(log.clone(), 3));
    let tracker = Running::start(&flaky, store.clone());
    stored(&*store, 300).await;
    assert_eq!(letters(&*log, 1).await[0].payload.as_ref(), b"no record");
    assert!(tracker.count("ceteris_tracker_retries_total") >= 3);
    tracker.stop().await.unwrap();
    assert_eq!(
        all(&*store, Default::default(), 1_000).await,
        batch(0, 0, 0..300).records
    );
}
