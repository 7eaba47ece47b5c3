//! The tracker into PostgreSQL while it is killed, away, or written to by somebody else: every record once.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_store::conformance::{all, batch};
use ceteris_store::{Batch, DecisionStore, Logged, PostgresOptions, PostgresStore, migrate};
use ceteris_stream::{EventLog, Message};
use ceteris_testkit::postgres::Postgres;
use ceteris_testkit::proxy::{Proxy, Weather};
use ceteris_testkit::wait::wait_for;

use crate::support::{Running, letters, log, send, stored};

/// Impatient, so that outages show at once.
const IMPATIENT: PostgresOptions = PostgresOptions {
    connections_max: 4,
    connect_max: Duration::from_millis(500),
    call_max: Duration::from_millis(500),
};
const PATIENCE: Duration = Duration::from_secs(60);

async fn server(folder: &Path) -> (Postgres, String) {
    let server = Postgres::start(&folder.join("postgres")).await.unwrap();
    let url = server.create_database("decisions").await.unwrap();
    migrate(&url).await.unwrap();
    (server, url)
}

async fn connect(url: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::connect(url, IMPATIENT).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_has_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let (mut server, url) = server(folder.path()).await;
    let store = connect(&url).await;
    let tracker = Running::start(&log, store.clone());
    for round in 0..4u64 {
        let sent = round * 2_000;
        send(&*log, sent..sent + 2_000).await;
        // In the middle of what was sent.
        wait_for("some rows of this round", PATIENCE, || async {
            Ok((store.count().await? > sent + 100).then_some(()))
        })
        .await
        .unwrap();
        server.kill_9().unwrap();
        server.restart().await.unwrap();
        println!(
            "killed with {} of 2000 records stored",
            store.count().await.unwrap() - sent
        );
        stored(&*store, sent + 2_000).await;
    }
    println!(
        "{} calls were tried again",
        tracker.count("ceteris_tracker_retries_total")
    );
    tracker.stop().await.unwrap();
    assert_eq!(
        all(&*store, Default::default(), 5_000).await,
        batch(0, 0, 0..8_000).records
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let (server, url) = server(folder.path()).await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let direct = connect(&url).await;
    let store = connect(&Postgres::url_at(proxy.address(), "decisions")).await;
    let tracker = Running::start(&log, store);
    send(&*log, 0..100).await;
    stored(&*direct, 100).await;
    let mut sent = 100;
    for weather in [Weather::Down, Weather::Still] {
        proxy.set(weather);
        let before = tracker.count("ceteris_tracker_retries_total");
        send(&*log, sent..sent + 500).await;
        wait_for("three calls that fail", PATIENCE, || async {
            Ok((tracker.count("ceteris_tracker_retries_total") >= before + 3).then_some(()))
        })
        .await
        .unwrap();
        proxy.set(Weather::Fair);
        sent += 500;
        stored(&*direct, sent).await;
    }
    tracker.stop().await.unwrap();
    assert_eq!(
        all(&*direct, Default::default(), 5_000).await,
        batch(0, 0, 0..sent).records
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_taken_for_dead_goes_on_from_where_its_successor_left_off() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let (server, url) = server(folder.path()).await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let direct = connect(&url).await;
    let store = connect(&Postgres::url_at(proxy.address(), "decisions")).await;
    let tracker = Running::start(&log, store);
    send(&*log, 0..200).await;
    stored(&*direct, 200).await;

    // Frozen in front of its store with records in hand; the successor writes the first seven of each partition.
    proxy.set(Weather::Still);
    send(&*log, 200..400).await;
    wait_for("a call that fails", PATIENCE, || async {
        Ok((tracker.count("ceteris_tracker_retries_total") >= 1).then_some(()))
    })
    .await
    .unwrap();
    for partition in 0..4 {
        let position = direct.next_offset(CAUSAL_DECISIONS, partition).await.unwrap();
        let records = read(&*log, partition, position, 7).await;
        let batch = Batch {
            topic: CAUSAL_DECISIONS.to_owned(),
            partition,
            expected_next: position,
            next: position + 7,
            records,
        };
        assert_eq!(direct.append(&batch).await.unwrap().inserted, 7);
    }
    proxy.set(Weather::Fair);
    stored(&*direct, 400).await;
    assert_eq!(tracker.count("ceteris_tracker_moves_total"), 4);
    assert_eq!(tracker.count("ceteris_tracker_repeats_total"), 0);
    tracker.stop().await.unwrap();
    assert_eq!(
        all(&*direct, Default::default(), 5_000).await,
        batch(0, 0, 0..400).records
    );
}

/// Some records of a partition, as another member would read them.
async fn read(log: &dyn EventLog, partition: u32, from: u64, count: usize) -> Vec<Logged> {
    let mut other = log.subscribe(CAUSAL_DECISIONS, "successor").await.unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        match other.next().await.unwrap() {
            Message::Assigned(_) => other.seek(partition, from).unwrap(),
            Message::Records(records) => {
                let of_it = records.iter().filter(|record| record.partition == partition);
                found.extend(of_it.map(|record| Logged::read(&record.payload).unwrap()));
            }
            Message::Revoked(_) | Message::EndOfPartition { .. } => {}
        }
    }
    found.truncate(count);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_set_aside_and_a_missing_schema_ends_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path()).await;
    let (server, url) = server(folder.path()).await;
    // A rule of the house's own.
    let rule = "alter table causal_decisions add check (latency_us < 12 or decision_id <> 'd-000007')";
    server.psql("decisions", rule).await.unwrap();
    let store = connect(&url).await;
    let tracker = Running::start(&log, store.clone());
    send(&*log, 0..100).await;
    stored(&*store, 99).await;
    let letter = &letters(&*log, 1).await[0];
    assert_eq!(
        letter.header(headers::REASON).unwrap().as_ref(),
        b"decision_not_storable"
    );
    assert_eq!(
        Logged::read(&letter.payload).unwrap().record().decision_id,
        "d-000007"
    );

    server
        .psql("decisions", "drop table causal_decisions")
        .await
        .unwrap();
    send(&*log, 100..101).await;
    let error = tracker.ended().await.unwrap_err();
    assert!(format!("{error:#}").contains("run `ceteris migrate"), "{error:#}");
}
