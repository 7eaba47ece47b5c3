//! The SQLite twin passes the suite of the port and survives a reopening.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

use ceteris_store::{DecisionStore, SqliteStore, conformance};

async fn fresh() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("decisions.sqlite"))
        .await
        .unwrap();
    (folder, store)
}

ceteris_store::conformance_tests!(fresh);

#[tokio::test]
async fn a_store_that_was_not_closed_opens_again_with_all_its_rows() {
    let (folder, store) = fresh().await;
    conformance::refusal_is_whole(&store).await;
    // Dropped without close: the write-ahead log is still beside the file, as after a kill.
    let path = folder.path().join("decisions.sqlite");
    let again = SqliteStore::open(&path).await.unwrap();
    assert_eq!(again.count().await.unwrap(), 14);
    drop(store);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.sqlite");
    std::fs::write(&path, vec![7u8; 8192]).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(error.to_string().contains("decisions.sqlite"), "{error}");
}
