//! PostgreSQL, with TimescaleDB where it is installed: a batch is one `COPY` in the transaction that moves the position.
//!
//! Left out: the schema, which only `ceteris migrate` changes; services check that it is there.

mod append;
mod copy;
mod fault;
mod instant;
mod migrations;

use std::iter;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_contract::time::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{PgConnection, Postgres, Row};
use tokio::time::timeout;

use crate::error::StoreError;
use crate::logged::Logged;
use crate::port::{Appended, Batch, DecisionStore};
use crate::postgres::append::{append, behind, position, takes};
use crate::postgres::fault::{disposition, failed};

pub use migrations::{Migrated, MigrationState, migrate, migrations};

/// How the database is spoken to.
#[derive(Clone, Copy, Debug)]
pub struct PostgresOptions {
    /// Connections held at most: a tracker writes on one, readers have the others.
    pub connections_max: u32,
    /// How long making or getting a connection may take.
    pub connect_max: Duration,
    /// How long one call may take; the server ends a statement that takes longer, too.
    pub call_max: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        PostgresOptions {
            connections_max: 4,
            connect_max: Duration::from_secs(5),
            call_max: Duration::from_secs(30),
        }
    }
}

/// True for `postgres://` and `postgresql://`.
pub fn is_postgres_url(text: &str) -> bool {
    ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// Decisions in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
    place: String,
    options: PostgresOptions,
}

impl PostgresStore {
    /// Connects and checks that the schema is there. TLS is as the URL's `sslmode` says.
    ///
    /// # Errors
    /// [`StoreError::BadUrl`]; [`StoreError::Open`] while the database cannot be reached; [`StoreError::Schema`] where
    /// migrations are missing.
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<PostgresStore, StoreError> {
        let connect = parse(url)?;
        let place = place(&connect);
        let millis = |span: Duration| span.as_millis().to_string();
        // The server's own bounds: a connection that was lost unnoticed must not hold its locks for ever.
        let connect = connect.application_name("ceteris").options([
            ("statement_timeout", millis(options.call_max)),
            ("lock_timeout", millis(options.call_max / 2)),
            ("idle_in_transaction_session_timeout", millis(options.call_max)),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections_max)
            .acquire_timeout(options.connect_max)
            .connect_lazy_with(connect);
        let store = PostgresStore { pool, place, options };
        store.check_schema().await?;
        Ok(store)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn check_schema(&self) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let work = migrations::state(&mut lease, &self.place);
        let state = bounded("look at the schema of", self.options.call_max, work).await?;
        lease.give_back();
        match state.pending.is_empty() {
            true => Ok(()),
            false => Err(StoreError::Schema {
                place: self.place.clone(),
                missing: format!("the migrations {}", state.pending.join(", ")),
            }),
        }
    }

    async fn lease(&self) -> Result<Lease, StoreError> {
        let connection = self.pool.acquire().await.map_err(|source| StoreError::Open {
            place: self.place.clone(),
            disposition: disposition(&source),
            source,
        })?;
        Ok(Lease(Some(connection)))
    }

    /// The records that the database refuses, found by halving; `cause` where it refuses none of them alone.
    async fn refused(&self, batch: &Batch, cause: StoreError) -> StoreError {
        let mut found = Vec::new();
        let mut open: Vec<Range<usize>> = iter::once(0..batch.records.len()).collect();
        while let Some(range) = open.pop() {
            match self.tries(&batch.records[range.clone()]).await {
                Ok(()) => {}
                Err(error) if error.disposition() != Disposition::Park => return error,
                Err(error) if range.len() == 1 => found.push((range.start, sentence(&error))),
                Err(_) => {
                    let middle = range.start + range.len() / 2;
                    // The first half is looked at first, so that what is found is in order.
                    open.extend([middle..range.end, range.start..middle]);
                }
            }
        }
        match found.is_empty() {
            true => cause,
            false => StoreError::Refused { records: found },
        }
    }

    async fn tries(&self, records: &[Logged]) -> Result<(), StoreError> {
        let mut lease = self.lease().await?;
        let work = takes(&mut lease, &self.place, records);
        bounded("try", self.options.call_max, work).await?;
        lease.give_back();
        Ok(())
    }

    async fn write(&self, batch: &Batch) -> Result<Appended, StoreError> {
        let mut lease = self.lease().await?;
        let work = append(&mut lease, &self.place, batch);
        let appended = bounded("store", self.options.call_max, work).await?;
        lease.give_back();
        Ok(appended)
    }
}

#[async_trait]
impl DecisionStore for PostgresStore {
    async fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        match self.write(batch).await {
            Err(error) if error.disposition() == Disposition::Park => Err(self.refused(batch, error).await),
            done => done,
        }
    }

    async fn next_offset(&self, topic: &str, partition: u32) -> Result<u64, StoreError> {
        let mut lease = self.lease().await?;
        let operation = "read the position of";
        let work = async {
            let next = position(&mut lease, topic, partition).await;
            next.map_err(failed(&self.place, operation))
        };
        let next = bounded(operation, self.options.call_max, work).await?;
        lease.give_back();
        Ok(next)
    }

    async fn decisions(
        &self,
        since: Timestamp,
        after: Option<(Timestamp, String)>,
        limit: u32,
    ) -> Result<Vec<Logged>, StoreError> {
        let mut lease = self.lease().await?;
        let (after_at, after_id) = behind(after);
        let work = async {
            sqlx::query(
                "select decision_id, record from causal_decisions \
                 where decided_at >= $1 and (decided_at, decision_id) > ($2, $3) \
                 order by decided_at, decision_id limit $4",
            )
            .bind(instant::Instant(since))
            .bind(after_at)
            .bind(after_id)
            .bind(i64::from(limit))
            .fetch_all(&mut *lease)
            .await
            .map_err(failed(&self.place, "read"))
        };
        let rows = bounded("read", self.options.call_max, work).await?;
        lease.give_back();
        rows.into_iter()
            .map(|row| {
                let text: String = row.try_get("record").map_err(failed(&self.place, "read"))?;
                Logged::from_text(text).map_err(|source| StoreError::Record {
                    decision_id: row.try_get("decision_id").unwrap_or_default(),
                    source,
                })
            })
            .collect()
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let mut lease = self.lease().await?;
        let work = async {
            sqlx::query_scalar("select count(*) from causal_decisions")
                .fetch_one(&mut *lease)
                .await
                .map_err(failed(&self.place, "count"))
        };
        let count: i64 = bounded("count", self.options.call_max, work).await?;
        lease.give_back();
        Ok(count as u64)
    }
}

/// A connection for one call. Unless the call went well it is closed, not pooled: whatever it was in the middle of ends
/// with it, and a call that was dropped or late leaves nothing that the next one would have to wait for.
struct Lease(Option<PoolConnection<Postgres>>);

impl Lease {
    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl std::ops::Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0
            .as_ref()
            .expect("a lease holds its connection until it is given back")
    }
}

impl std::ops::DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0
            .as_mut()
            .expect("a lease holds its connection until it is given back")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

async fn bounded<T>(
    operation: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    // A little longer than the server's own bound, whose error says more.
    let waited = limit + limit / 10;
    match timeout(waited, work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Late { operation, waited }),
    }
}

fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    let given = || {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let behind_password = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        format!("{scheme}://{behind_password}")
    };
    let parsed = match is_postgres_url(url) {
        true => PgConnectOptions::from_str(url),
        false => Err(sqlx::Error::InvalidArgument(
            "its scheme is not postgres".to_owned(),
        )),
    };
    parsed.map_err(|source| StoreError::BadUrl {
        given: given(),
        source,
    })
}

/// Host, port and database: what an error may show.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{}:{}/{database}", options.get_host(), options.get_port())
}

/// An error and its causes in one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
