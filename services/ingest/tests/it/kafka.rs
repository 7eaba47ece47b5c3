//! On Apache Kafka: brokers and workers are killed, partitions move, and every event is in the lake once.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

use std::path::PathBuf;
use std::sync::Arc;

use crate::support::{START, compare_with_a_replay, over};
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_stream::{KafkaLog, KafkaOptions};
use ceteris_testkit::kafka::Kafka;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_in_the_lake_once_whoever_is_killed() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ingest-kafka");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut kafka = Kafka::start(&folder).await.unwrap();
    let log = Arc::new(KafkaLog::open(KafkaOptions::new(kafka.bootstrap())).unwrap());
    let house = over(log, Clock::events(START), tempfile::tempdir().unwrap()).await;

    let shutdown = Shutdown::new();
    let mut sent = 0;
    let mut send = async |count: i64| {
        house.send(sent..sent + count).await;
        sent += count;
    };
    let first = house.start(1, &shutdown);
    send(500).await;
    house.wait_for(500).await;

    // A second worker joins while events come; then the first is dropped where it stands.
    let second = house.start(2, &shutdown);
    send(500).await;
    house.wait_for(1_000).await;
    send(500).await;
    println!(
        "worker killed with {} of 1500 events in the lake",
        house.lake_rows().await
    );
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    house.wait_for(1_500).await;

    // The broker dies with events on their way; what is sent meanwhile waits for it.
    send(500).await;
    println!(
        "broker killed with {} of 2000 events in the lake",
        house.lake_rows().await
    );
    kafka.kill_9().unwrap();
    let (restarted, ()) = tokio::join!(kafka.restart(), send(500));
    restarted.unwrap();
    house.wait_for(2_500).await;
    shutdown.cancel();
    second.await.unwrap().unwrap();

    let rows = house.rows().await;
    assert_eq!(rows.len(), 2_500);
    // A producer's retry may put an event into the log twice; what the log holds is in the lake once.
    let records: u64 = house
        .deps
        .log
        .end_offsets(USER_EVENTS)
        .await
        .unwrap()
        .iter()
        .sum();
    println!(
        "{records} records in the log, {} rows in the lake",
        house.lake_rows().await
    );
    assert_eq!(house.lake_rows().await, records);
    compare_with_a_replay(&house, 2_500).await;
}
