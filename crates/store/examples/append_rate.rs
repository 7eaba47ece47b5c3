//! How fast batches go into PostgreSQL, beside a bare `COPY` of the same records: `cargo run --release -p ceteris-store
//! --example append_rate -- [rows]`. Prints rows a second and the ratio; the two take turns, so that both meet the same
//! machine.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement says what stops it and prints what it saw"
)]

use std::time::Instant;

use ceteris_contract::record::{DecisionRecord, Feature, Origin};
use ceteris_contract::value::Value;
use ceteris_store::conformance::record;
use ceteris_store::{Batch, DecisionStore, Logged, PostgresOptions, PostgresStore, migrate};
use ceteris_testkit::postgres::Postgres;
use sqlx::{Connection, PgConnection};

const ROUNDS: usize = 5;
const BATCHES: [usize; 3] = [500, 2_000, 5_000];
/// Features a record carries, which makes it about as large as those of the e-commerce problem.
const FEATURES: u64 = 40;

#[tokio::main]
async fn main() {
    let rows: u64 = std::env::args()
        .nth(1)
        .map_or(60_000, |text| text.parse().unwrap());
    let records: Vec<Logged> = (0..rows).map(|n| Logged::write(&sized(n)).unwrap()).collect();
    let bytes: usize = records.iter().map(|logged| logged.text().len()).sum();
    println!("{rows} records of {} bytes", bytes / records.len());
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(&folder.path().join("postgres")).await.unwrap();
    let url = server.create_database("rate").await.unwrap();
    migrate(&url).await.unwrap();
    server
        .psql(
            "rate",
            "create table bare (like causal_decisions including compression)",
        )
        .await
        .unwrap();
    let store = PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap();
    let text: String = records.iter().map(line).collect();
    for round in 0..ROUNDS {
        let bare = bare(&url, &text, rows).await;
        print!("bare COPY {bare:.0}/s");
        for (partition, size) in BATCHES.into_iter().enumerate() {
            server
                .psql("rate", "truncate causal_decisions, idempotent_decisions")
                .await
                .unwrap();
            let partition = (round * BATCHES.len() + partition) as u32;
            let started = Instant::now();
            append(&store, &records, size, partition).await;
            let rate = rows as f64 / started.elapsed().as_secs_f64();
            print!("   batches of {size}: {rate:.0}/s, {:.2}", rate / bare);
        }
        println!();
    }
}

async fn append(store: &PostgresStore, records: &[Logged], size: usize, partition: u32) {
    for (index, chunk) in records.chunks(size).enumerate() {
        let from = (index * size) as u64;
        let batch = Batch {
            topic: "causal_decisions".to_owned(),
            partition,
            expected_next: from,
            next: from + chunk.len() as u64,
            records: chunk.to_vec(),
        };
        let appended = store.append(&batch).await.unwrap();
        assert_eq!(appended.inserted, chunk.len() as u64);
    }
}

/// One COPY of everything into a table with the same columns and no index; answers its rate.
async fn bare(url: &str, text: &str, rows: u64) -> f64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("truncate bare")
        .execute(&mut connection)
        .await
        .unwrap();
    let started = Instant::now();
    let mut copying = connection.copy_in_raw("copy bare from stdin").await.unwrap();
    copying.send(text.as_bytes()).await.unwrap();
    assert_eq!(copying.finish().await.unwrap(), rows);
    rows as f64 / started.elapsed().as_secs_f64()
}

/// A row in COPY's text form. None of these holds what would have to be escaped.
fn line(logged: &Logged) -> String {
    let record = logged.record();
    assert!(!logged.text().contains(['\\', '\t', '\n']));
    let decision = &record.decision;
    format!(
        "{}\t{}\t{}\t{}\t{}\t\\N\t{}\t\\N\t{}\t{}\t{}\t{}\t{}\t{}\n",
        record.decision_id,
        record.decided_at,
        record.problem,
        record.unit.key,
        record.unit.shard,
        record.inputs.policy_digest,
        decision.propensity,
        decision.expected_outcome,
        decision.reason,
        decision.degraded,
        record.latency_us,
        logged.text(),
    )
}

fn sized(number: u64) -> DecisionRecord {
    // Ids of requests without an Idempotency-Key, which are most.
    let mut record = record(number * 2);
    record.decision_id = format!(
        "{:08x}-{:04x}-7000-8000-{number:012x}",
        number >> 16,
        number & 0xffff
    );
    record.inputs.features = (0..FEATURES)
        .map(|feature| Feature {
            name: format!("feature_of_a_view_{feature}"),
            value: Value::Number((number * 31 + feature * 17) as f64 / 7.0),
            origin: Origin::Stored,
        })
        .collect();
    record
}
