//! PostgreSQL passes the suite of the port, comes back from kills and outages, and names what it refuses.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

use std::time::Duration;

use ceteris_contract::time::Timestamp;
use ceteris_store::conformance::{self, all, batch, record};
use ceteris_store::{
    Batch, DecisionStore, Disposition, HasDisposition, Logged, PostgresOptions, PostgresStore, StoreError,
    migrate,
};
use ceteris_testkit::postgres::Postgres;
use ceteris_testkit::proxy::{Proxy, Weather};

use crate::support::{fresh, server, server_of_its_own};

ceteris_store::conformance_tests!(fresh);

/// Impatient, so that outages show at once.
const IMPATIENT: PostgresOptions = PostgresOptions {
    connections_max: 4,
    connect_max: Duration::from_millis(500),
    call_max: Duration::from_millis(500),
};

/// Appends as a worker does: again after what passes, the position deciding whether it had landed.
async fn append(store: &dyn DecisionStore, batch: &Batch) -> u32 {
    for failures in 0.. {
        match store.append(batch).await {
            Ok(_) => return failures,
            Err(StoreError::Moved { actual, .. }) if actual == batch.next => return failures,
            Err(error) => assert_eq!(error.disposition(), Disposition::Retry, "{error:?}"),
        }
    }
    unreachable!("a loop without end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_every_batch_it_answered_and_none_twice() {
    let (_folder, mut server, url) = server_of_its_own().await;
    let store = PostgresStore::connect(&url, IMPATIENT).await.unwrap();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut failures = 0;
            for step in 0..120u64 {
                failures += append(&store, &batch(0, step * 50, step * 50..step * 50 + 50)).await;
            }
            failures
        })
    };
    for kill in 1..=4u64 {
        // Somewhere in the middle of what follows this many rows.
        let reached = kill * 1_000;
        while store.count().await.unwrap_or(0) < reached {
            tokio::task::yield_now().await;
        }
        server.kill_9().unwrap();
        server.restart().await.unwrap();
    }
    let failures = writer.await.unwrap();
    println!("{failures} calls failed and were repeated");
    assert!(failures > 0, "no call was under way at any of the kills");
    assert_eq!(
        all(&store, Timestamp(0), 5_000).await,
        batch(0, 0, 0..6_000).records
    );
    assert_eq!(store.next_offset("causal_decisions", 0).await.unwrap(), 6_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_goes_still_or_down_is_waited_for() {
    let (server, database) = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let url = Postgres::url_at(proxy.address(), &database);
    migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, IMPATIENT).await.unwrap();
    append(&store, &batch(0, 0, 0..10)).await;
    let mut at = 10;
    for weather in [Weather::Still, Weather::Down] {
        proxy.set(weather);
        for _ in 0..3 {
            let error = store.append(&batch(0, at, at..at + 10)).await.unwrap_err();
            assert_eq!(error.disposition(), Disposition::Retry, "{error:?}");
        }
        proxy.set(Weather::Fair);
        append(&store, &batch(0, at, at..at + 10)).await;
        at += 10;
    }
    assert_eq!(all(&store, Timestamp(0), 100).await, batch(0, 0, 0..30).records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_frozen_in_the_middle_of_a_batch_is_fenced_when_it_thaws() {
    let (server, database) = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let direct = server.url(&database);
    migrate(&direct).await.unwrap();
    let frozen = PostgresStore::connect(
        &Postgres::url_at(proxy.address(), &database),
        PostgresOptions::default(),
    )
    .await
    .unwrap();
    let successor = PostgresStore::connect(&direct, PostgresOptions::default())
        .await
        .unwrap();
    frozen.append(&batch(0, 0, 0..10)).await.unwrap();
    proxy.set(Weather::Still);
    let late = tokio::spawn(async move { frozen.append(&batch(0, 10, 10..20)).await });
    successor.append(&batch(0, 10, 10..15)).await.unwrap();
    proxy.set(Weather::Fair);
    let error = late.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Moved { actual: 15, .. }), "{error:?}");
    assert_eq!(
        all(&successor, Timestamp(0), 100).await,
        batch(0, 0, 0..15).records
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_database_refuses_is_named_and_the_others_can_go_on() {
    let (server, database) = server().await;
    let url = server.url(&database);
    migrate(&url).await.unwrap();
    // A rule of the house's own.
    let rule = "alter table causal_decisions add check (reason <> 'unheard of')";
    server.psql(&database, rule).await.unwrap();
    let store = PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap();
    let mut bad = batch(0, 0, 0..100);
    for at in [3, 4, 77] {
        let mut record = record(at as u64);
        record.decision.reason = "unheard of".to_owned();
        bad.records[at] = Logged::write(&record).unwrap();
    }
    let error = store.append(&bad).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Park);
    let StoreError::Refused { records } = error else {
        panic!("{error:?}");
    };
    assert_eq!(records.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [3, 4, 77]);
    assert!(
        records[0].1.contains("causal_decisions_reason_check"),
        "{records:?}"
    );
    assert_eq!(store.count().await.unwrap(), 0);
    for at in [77, 4, 3] {
        bad.records.remove(at);
    }
    assert_eq!(store.append(&bad).await.unwrap().inserted, 97);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_has_to_mend_halts_with_the_cure() {
    let (server, database) = server().await;
    let connect = |url: String| async move {
        let error = PostgresStore::connect(&url, IMPATIENT).await.unwrap_err();
        (error.disposition(), error.to_string())
    };
    let (disposition, text) = connect(server.url(&database)).await;
    assert_eq!(disposition, Disposition::Halt);
    assert!(
        text.contains("0001_causal_decisions") && text.contains("run `ceteris migrate"),
        "{text}"
    );
    let (disposition, text) = connect(server.url("no_such_database")).await;
    assert_eq!(disposition, Disposition::Halt, "{text}");
    let (disposition, text) = connect("mysql://me:secret@host/x".to_owned()).await;
    assert_eq!(disposition, Disposition::Halt);
    assert!(
        text.contains("mysql://host/x") && !text.contains("secret"),
        "{text}"
    );

    // Away for now: the same call may succeed later.
    let nobody = ceteris_testkit::ports::free().unwrap();
    let (disposition, text) = connect(Postgres::url_at(nobody, "x")).await;
    assert_eq!(disposition, Disposition::Retry, "{text}");

    // A table that goes while the service runs.
    let url = server.url(&database);
    migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, IMPATIENT).await.unwrap();
    server
        .psql(&database, "drop table causal_decisions")
        .await
        .unwrap();
    let error = store.append(&batch(0, 0, 0..10)).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Halt);
    assert!(error.to_string().contains("run `ceteris migrate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_knows_in_plain_sql_what_its_columns_mean() {
    let (server, database) = server().await;
    let url = server.url(&database);
    migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap();
    conformance::refusal_is_whole(&store).await;
    let seen = "select decision_id, decided_at at time zone 'UTC', unit, degraded, record::json->'decision'->>'reason' \
                from causal_decisions order by decided_at limit 2";
    assert_eq!(
        server.psql(&database, seen).await.unwrap(),
        "01960000-0000-7000-8000-000000000000|1970-01-01 00:00:00|00000000000000000000000000000000|t|fallback\n\
         d-000001|1970-01-01 00:00:01|01010101010101010101010101010101|t|fallback"
    );
    let undescribed = "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid \
         where c.relname in ('causal_decisions', 'sink_offsets', 'idempotent_decisions') and a.attnum > 0 \
         and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)";
    assert_eq!(server.psql(&database, undescribed).await.unwrap(), "");
}
