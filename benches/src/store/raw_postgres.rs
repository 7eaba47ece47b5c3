//! The limit on PostgreSQL: the same columns and bytes in one binary `COPY`, encoded beforehand, into a table without keys
//! and without indexes.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_store::Logged;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::store::TOPIC;
use crate::store::records::PROBLEM;
use ceteris_terminal::bad_input;

/// Same columns, same compression of the record.
const CREATE: &str =
    "create table ceteris_bench_copy (like causal_decisions including compression including storage)";
const DROP: &str = "drop table if exists ceteris_bench_copy";
const COPY: &str = "copy ceteris_bench_copy (decision_id, decided_at, problem, unit, shard, model_version, policy_digest, \
     recommended_treatment, propensity, expected_outcome, reason, degraded, latency_us, record) from stdin (format binary)";
const COLUMNS: i16 = 14;
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
/// Bytes sent at once, as the store does it.
const CHUNK_BYTES: usize = 256 << 10;
/// 2000-01-01 in microseconds since 1970, where PostgreSQL's time begins.
const EPOCH_US: i64 = 946_684_800_000_000;

pub(crate) struct RawPostgres {
    connection: PgConnection,
}

impl RawPostgres {
    /// Connects to a database on this machine, and to no other.
    pub(crate) async fn connect(url: &str) -> anyhow::Result<RawPostgres> {
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            bad_input(format!(
                "--store: {error}; give postgres://user@127.0.0.1/database"
            ))
        })?;
        let host = options.get_host();
        let loopback = host == "localhost"
            || host.starts_with('/')
            || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !loopback {
            return Err(bad_input(format!(
                "--store: {host} is no loopback address, and only this machine is loaded; run the bench beside the database"
            )));
        }
        let connection = options.connect().await.context("connect to PostgreSQL")?;
        Ok(RawPostgres { connection })
    }

    pub(crate) async fn create(&mut self) -> anyhow::Result<()> {
        let made = sqlx::query(CREATE).execute(&mut self.connection).await;
        made.context("make a plain table")?;
        Ok(())
    }

    /// Drops the table, and takes the bench's own rows and position out of the store's.
    pub(crate) async fn clean(&mut self) -> anyhow::Result<()> {
        let mut tx = self.connection.begin().await.context("begin to clean up")?;
        let work = async {
            sqlx::query(DROP).execute(&mut *tx).await?;
            let rows = sqlx::query("delete from causal_decisions where problem = $1");
            rows.bind(PROBLEM).execute(&mut *tx).await?;
            let position = sqlx::query("delete from sink_offsets where topic = $1");
            position.bind(TOPIC).execute(&mut *tx).await?;
            tx.commit().await
        };
        work.await.context("take the bench's rows back")
    }

    pub(crate) async fn append(&mut self, records: &[Logged]) -> anyhow::Result<Duration> {
        let chunks = encode(records);
        let started = Instant::now();
        let work = async {
            let mut copying = self.connection.copy_in_raw(COPY).await?;
            for chunk in &chunks {
                copying.send(chunk.as_slice()).await?;
            }
            copying.finish().await
        };
        let rows = work.await.context("copy raw rows")?;
        let took = started.elapsed();
        anyhow::ensure!(
            rows == records.len() as u64,
            "COPY took {rows} of {} rows",
            records.len()
        );
        Ok(took)
    }
}

fn encode(records: &[Logged]) -> Vec<Vec<u8>> {
    let mut chunks = vec![HEADER.to_vec()];
    for logged in records {
        if chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK_BYTES) {
            chunks.push(Vec::with_capacity(CHUNK_BYTES + (64 << 10)));
        }
        if let Some(chunk) = chunks.last_mut() {
            row(chunk, logged);
        }
    }
    chunks.push(TRAILER.to_be_bytes().to_vec());
    chunks
}

fn row(out: &mut Vec<u8>, logged: &Logged) {
    let record = logged.record();
    let (inputs, decision) = (&record.inputs, &record.decision);
    out.extend_from_slice(&COLUMNS.to_be_bytes());
    put(out, Some(record.decision_id.as_bytes()));
    put(out, Some(&(record.decided_at.0 - EPOCH_US).to_be_bytes()));
    put(out, Some(record.problem.as_bytes()));
    put(out, Some(record.unit.key.to_hex().as_bytes()));
    put(out, Some(&i32::from(record.unit.shard).to_be_bytes()));
    put(out, inputs.model.as_ref().map(|model| model.version.as_bytes()));
    put(out, Some(inputs.policy_digest.as_bytes()));
    put(out, decision.recommended_treatment.as_ref().map(String::as_bytes));
    put(out, Some(&decision.propensity.to_be_bytes()));
    put(out, Some(&decision.expected_outcome.to_be_bytes()));
    put(out, Some(decision.reason.as_bytes()));
    put(out, Some(&[u8::from(decision.degraded)]));
    put(
        out,
        Some(&i64::try_from(record.latency_us).unwrap_or(i64::MAX).to_be_bytes()),
    );
    put(out, Some(logged.text().as_bytes()));
}

/// A field: its length, then its bytes; -1 for none.
fn put(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
            out.extend_from_slice(bytes);
        }
        None => out.extend_from_slice(&(-1i32).to_be_bytes()),
    }
}
