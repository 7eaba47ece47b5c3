//! The embedded twin: SQLite in write-ahead mode, one writing connection.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use ceteris_contract::disposition::Disposition;
use ceteris_contract::time::Timestamp;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, SqlSafeStr, Sqlite, Transaction};

use crate::error::StoreError;
use crate::logged::Logged;
use crate::port::{Appended, Batch, DecisionStore};

const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "decisions",
    include_str!("../../../migrations/sqlite/0001_decisions.sql"),
)];

/// Rows per statement: SQLite takes 32 766 bound values, a row has 14.
const ROWS_PER_STATEMENT_MAX: usize = 500;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// One writer, and readers beside it.
const CONNECTIONS_MAX: u32 = 4;

/// Decisions in one SQLite file. Survives kill -9: a batch is in the file's write-ahead log before its call returns.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, creating and migrating it as needed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // The log is the source: after a power loss the position goes back together with the rows.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT);
        let place = path.display().to_string();
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Open {
                place: place.clone(),
                disposition: Disposition::Retry,
                source,
            })?;
        migrator()
            .run(&pool)
            .await
            .map_err(|source| StoreError::Migrate {
                place,
                source: Box::new(source),
            })?;
        Ok(SqliteStore { pool })
    }

    /// Closes every connection, so that the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(
                *version,
                Cow::Borrowed(name),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}

fn failed(operation: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    // A busy file, a full disk: the same statement may succeed later.
    move |source| StoreError::Query {
        operation,
        disposition: Disposition::Retry,
        source,
    }
}

/// Moves the position by compare-and-set: the statement changes no row where the position is another.
async fn move_position(tx: &mut Transaction<'_, Sqlite>, batch: &Batch) -> Result<(), StoreError> {
    let (partition, next) = (i64::from(batch.partition), batch.next as i64);
    let moved = if batch.expected_next == 0 {
        sqlx::query(
            "insert into sink_offsets (topic, partition_id, next_offset) values (?, ?, ?) \
             on conflict (topic, partition_id) do update set next_offset = excluded.next_offset \
             where next_offset = 0",
        )
        .bind(&batch.topic)
        .bind(partition)
        .bind(next)
        .execute(&mut **tx)
        .await
    } else {
        sqlx::query(
            "update sink_offsets set next_offset = ? where topic = ? and partition_id = ? and next_offset = ?",
        )
        .bind(next)
        .bind(&batch.topic)
        .bind(partition)
        .bind(batch.expected_next as i64)
        .execute(&mut **tx)
        .await
    };
    if moved.map_err(failed("move the position of"))?.rows_affected() == 1 {
        return Ok(());
    }
    let actual = position(&mut **tx, &batch.topic, batch.partition).await?;
    Err(StoreError::Moved {
        topic: batch.topic.clone(),
        partition: batch.partition,
        expected: batch.expected_next,
        actual,
    })
}

async fn position<'e, E>(executor: E, topic: &str, partition: u32) -> Result<u64, StoreError>
where
    E: sqlx::Executor<'e, Database = Sqlite>,
{
    let next: Option<i64> =
        sqlx::query_scalar("select next_offset from sink_offsets where topic = ? and partition_id = ?")
            .bind(topic)
            .bind(i64::from(partition))
            .fetch_optional(executor)
            .await
            .map_err(failed("read the position of"))?;
    Ok(next.unwrap_or(0) as u64)
}

async fn insert(tx: &mut Transaction<'_, Sqlite>, records: &[Logged]) -> Result<u64, StoreError> {
    let mut inserted = 0;
    for chunk in records.chunks(ROWS_PER_STATEMENT_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "insert into causal_decisions (decision_id, decided_at_us, problem, unit, shard, model_version, \
             policy_digest, recommended_treatment, propensity, expected_outcome, reason, degraded, latency_us, \
             record) ",
        );
        query.push_values(chunk, |mut row, logged| {
            let record = logged.record();
            row.push_bind(&record.decision_id)
                .push_bind(record.decided_at.0)
                .push_bind(&record.problem)
                .push_bind(record.unit.key.to_hex())
                .push_bind(i64::from(record.unit.shard))
                .push_bind(record.inputs.model.as_ref().map(|model| model.version.clone()))
                .push_bind(&record.inputs.policy_digest)
                .push_bind(record.decision.recommended_treatment.clone())
                .push_bind(record.decision.propensity)
                .push_bind(record.decision.expected_outcome)
                .push_bind(&record.decision.reason)
                .push_bind(record.decision.degraded)
                .push_bind(record.latency_us.min(i64::MAX as u64) as i64)
                .push_bind(logged.text());
        });
        query.push(" on conflict (decision_id) do nothing");
        let done = query.build().execute(&mut **tx).await.map_err(failed("insert"))?;
        inserted += done.rows_affected();
    }
    Ok(inserted)
}

#[async_trait]
impl DecisionStore for SqliteStore {
    async fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        let mut tx = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed("begin to write"))?;
        move_position(&mut tx, batch).await?;
        let inserted = insert(&mut tx, &batch.records).await?;
        tx.commit().await.map_err(failed("commit"))?;
        Ok(Appended {
            inserted,
            repeated: batch.records.len() as u64 - inserted,
        })
    }

    async fn next_offset(&self, topic: &str, partition: u32) -> Result<u64, StoreError> {
        position(&self.pool, topic, partition).await
    }

    async fn decisions(
        &self,
        since: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: u32,
    ) -> Result<Vec<Logged>, StoreError> {
        let (after_at, after_id) = after.map_or((-1, String::new()), |(at, id)| (at.0, id));
        let rows = sqlx::query(
            "select decision_id, record from causal_decisions \
             where decided_at_us >= ? and (decided_at_us, decision_id) > (?, ?) \
             order by decided_at_us, decision_id limit ?",
        )
        .bind(since.0)
        .bind(after_at)
        .bind(after_id)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read"))?;
        rows.iter()
            .map(|row| {
                let text: String = row.try_get("record").map_err(failed("read"))?;
                Logged::from_text(text).map_err(|source| StoreError::Record {
                    decision_id: row.try_get("decision_id").unwrap_or_default(),
                    source,
                })
            })
            .collect()
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("select count(*) from causal_decisions")
            .fetch_one(&self.pool)
            .await
            .map_err(failed("count"))?;
        Ok(count as u64)
    }
}
