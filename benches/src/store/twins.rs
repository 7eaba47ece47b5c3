//! A decision store, and a plain table beside it on the same server or disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_store::{DecisionStore, Logged, SqliteStore};

#[cfg(feature = "postgres")]
use crate::store::raw_postgres::RawPostgres;
use crate::store::raw_sqlite::RawSqlite;

pub(crate) struct Twins {
    pub(crate) name: &'static str,
    pub(crate) raw_is: &'static str,
    pub(crate) store: Arc<dyn DecisionStore>,
    pub(crate) raw: Raw,
}

/// The plain table.
pub(crate) enum Raw {
    Sqlite(RawSqlite),
    #[cfg(feature = "postgres")]
    Postgres(Box<RawPostgres>),
}

impl Raw {
    /// Writes the rows and answers how long that took, without making them ready.
    pub(crate) async fn append(&mut self, records: &[Logged]) -> anyhow::Result<Duration> {
        match self {
            Raw::Sqlite(raw) => raw.append(records).await,
            #[cfg(feature = "postgres")]
            Raw::Postgres(raw) => raw.append(records).await,
        }
    }
}

impl Twins {
    /// Takes back what was written where it does not go with the folder.
    pub(crate) async fn clean(&mut self) -> anyhow::Result<()> {
        match &mut self.raw {
            Raw::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Raw::Postgres(raw) => raw.clean().await,
        }
    }
}

/// Two files in this folder.
pub(crate) async fn sqlite(folder: &Path) -> anyhow::Result<Twins> {
    let store = SqliteStore::open(&folder.join("store.sqlite")).await;
    Ok(Twins {
        name: "SQLite",
        raw_is: "raw inserts, one transaction a batch",
        store: Arc::new(store.context("open the decision store")?),
        raw: Raw::Sqlite(RawSqlite::open(&folder.join("raw.sqlite")).await?),
    })
}

/// A database on this machine that `ceteris migrate` has prepared.
#[cfg(feature = "postgres")]
pub(crate) async fn postgres(url: &str) -> anyhow::Result<Twins> {
    use ceteris_store::{PostgresOptions, PostgresStore};

    let mut raw = RawPostgres::connect(url).await?;
    let store = PostgresStore::connect(url, PostgresOptions::default()).await;
    let store = store.context("connect to PostgreSQL")?;
    // What a run that was killed has left.
    raw.clean().await?;
    raw.create().await?;
    Ok(Twins {
        name: "PostgreSQL",
        raw_is: "raw COPY into a plain table",
        store: Arc::new(store),
        raw: Raw::Postgres(Box::new(raw)),
    })
}

/// This build has the embedded backends only.
#[cfg(not(feature = "postgres"))]
pub(crate) async fn postgres(_: &str) -> anyhow::Result<Twins> {
    Err(ceteris_terminal::bad_input(
        "--store: this build has the embedded backends only; build with `--features postgres`",
    ))
}
