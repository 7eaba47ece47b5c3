//! The limit on SQLite: the same columns into a table without keys, one transaction a batch, in a file that is kept as the
//! store keeps its own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use ceteris_store::Logged;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};

const TABLE: &str = "create table raw (decision_id text, decided_at_us integer, problem text, unit text, shard integer, \
     model_version text, policy_digest text, recommended_treatment text, propensity real, expected_outcome real, \
     reason text, degraded integer, latency_us integer, record text)";
/// Rows a statement, as the store has it.
const ROWS_PER_STATEMENT_MAX: usize = 500;

pub(crate) struct RawSqlite {
    connection: SqliteConnection,
}

impl RawSqlite {
    pub(crate) async fn open(path: &Path) -> anyhow::Result<RawSqlite> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let mut connection = options.connect().await.context("open a plain table")?;
        let made = sqlx::query(TABLE).execute(&mut connection).await;
        made.context("make a plain table")?;
        Ok(RawSqlite { connection })
    }

    pub(crate) async fn append(&mut self, records: &[Logged]) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let mut tx = self.connection.begin().await.context("begin raw inserts")?;
        for chunk in records.chunks(ROWS_PER_STATEMENT_MAX) {
            let mut query = QueryBuilder::<Sqlite>::new("insert into raw ");
            query.push_values(chunk, |mut row, logged| {
                let record = logged.record();
                row.push_bind(&record.decision_id)
                    .push_bind(record.decided_at.0)
                    .push_bind(&record.problem)
                    .push_bind(record.unit.key.to_hex())
                    .push_bind(i64::from(record.unit.shard))
                    .push_bind(record.inputs.model.as_ref().map(|model| &model.version))
                    .push_bind(&record.inputs.policy_digest)
                    .push_bind(record.decision.recommended_treatment.as_ref())
                    .push_bind(record.decision.propensity)
                    .push_bind(record.decision.expected_outcome)
                    .push_bind(&record.decision.reason)
                    .push_bind(record.decision.degraded)
                    .push_bind(i64::try_from(record.latency_us).unwrap_or(i64::MAX))
                    .push_bind(logged.text());
            });
            let done = query.build().execute(&mut *tx).await;
            done.context("insert raw rows")?;
        }
        tx.commit().await.context("commit raw inserts")?;
        Ok(started.elapsed())
    }
}
