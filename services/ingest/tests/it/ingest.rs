//! Ingest over embedded backends: every accepted event in lake and features once, whatever happens to the worker.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

use std::time::Duration;

use crate::support::{START, compare_with_a_replay, event, house};
use ceteris_chassis::Shutdown;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::{USER_EVENTS, headers};
use ceteris_stream::{Message, NewRecord};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_ended_at_any_moment_loses_and_repeats_nothing() {
    let house = house().await;
    let total = 4_000;
    for round in 0..8i64 {
        house.send(round * 500..(round + 1) * 500).await;
        let worker = house.start(round as u64 + 1, &Shutdown::new());
        tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
        // Dropped between two awaits, as a kill would: nothing is flushed on the way out.
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
    }
    let shutdown = Shutdown::new();
    let worker = house.start(100, &shutdown);
    house.wait_for(total).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();

    let rows = house.rows().await;
    assert_eq!(rows.len() as u64, total);
    assert!(
        rows.values().all(|count| *count == 1),
        "an event stands in the lake twice"
    );
    compare_with_a_replay(&house, total as i64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_in_is_kept_with_its_reason() {
    let house = house().await;
    let ahead = serde_json::json!({
        "event_id": "ahead", "user_id": "u", "event_type": "x",
        "timestamp": Timestamp(START.0 + 6 * 60 * 1_000_000),
    });
    let records = vec![
        NewRecord::keyed("u", "not json").at(START.0),
        NewRecord::keyed("u", serde_json::to_vec(&ahead).unwrap()).at(START.0),
        NewRecord::keyed("u", event(1).1)
            .at(START.0 + 1_000_000)
            .header(headers::SCHEMA, "7"),
    ];
    house.deps.log.produce(USER_EVENTS, records).await.unwrap();
    house.send(5..6).await;
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.wait_for(1).await;
    let mut letters = house
        .deps
        .log
        .subscribe("user_events.ingest.dlq", "test")
        .await
        .unwrap();
    let mut reasons = Vec::new();
    while reasons.len() < 3 {
        if let Message::Records(records) = letters.next().await.unwrap() {
            for record in records {
                reasons.push(String::from_utf8(record.header(headers::REASON).unwrap().to_vec()).unwrap());
                assert!(record.header(headers::DETAIL).is_some() && record.header(headers::ORIGIN).is_some());
            }
        }
    }
    assert_eq!(
        reasons,
        ["event_not_json", "event_ahead_of_time", "event_version"]
    );
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert_eq!(house.rows().await.into_keys().collect::<Vec<_>>(), ["e-5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_a_wrong_partition_is_forwarded_to_the_right_one() {
    let house = house().await;
    let records = (0..40)
        .map(|number| {
            NewRecord::keyed("stray", event(number).1)
                .at(START.0 + number * 1_000_000)
                .on(number as u32 % 4)
        })
        .collect();
    house.deps.log.produce(USER_EVENTS, records).await.unwrap();
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.wait_for(40).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert!(house.rows().await.values().all(|count| *count == 1));
    compare_with_a_replay(&house, 40).await;
}
