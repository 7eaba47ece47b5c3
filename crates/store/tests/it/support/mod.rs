//! One PostgreSQL for all tests of a binary, a database of its own for each.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::sync::atomic::{AtomicU32, Ordering};

use ceteris_store::{PostgresOptions, PostgresStore, migrate};
use ceteris_testkit::postgres::Postgres;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The server that the tests share; its watchdog ends it with this process.
static SERVER: OnceCell<(TempDir, Postgres)> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The shared server and an empty database on it.
pub async fn server() -> (&'static Postgres, String) {
    let start = || async {
        let folder = tempfile::tempdir().unwrap();
        let server = Postgres::start(&folder.path().join("postgres")).await.unwrap();
        (folder, server)
    };
    let (_, server) = SERVER.get_or_init(start).await;
    let database = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    server.create_database(&database).await.unwrap();
    (server, database)
}

/// A server for one test that kills it, with a migrated database.
pub async fn server_of_its_own() -> (TempDir, Postgres, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(&folder.path().join("postgres")).await.unwrap();
    let url = server.create_database("decisions").await.unwrap();
    migrate(&url).await.unwrap();
    (folder, server, url)
}

/// A migrated, empty store.
pub async fn fresh() -> ((), PostgresStore) {
    let (server, database) = server().await;
    let url = server.url(&database);
    migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap();
    ((), store)
}
