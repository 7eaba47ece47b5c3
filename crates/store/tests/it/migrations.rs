//! The migrations: once each, by whoever comes first, and never over what they do not know.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use ceteris_store::{
    Disposition, HasDisposition, PostgresOptions, PostgresStore, StoreError, migrate, migrations,
};

use crate::support::server;

#[tokio::test(flavor = "multi_thread")]
async fn of_runs_at_once_each_migration_is_applied_by_one() {
    let (server, database) = server().await;
    let url = server.url(&database);
    let before = migrations(&url).await.unwrap();
    assert!(
        before.applied.is_empty() && before.pending.len() >= 3,
        "{before:?}"
    );
    let runs = futures::future::join_all((0..4).map(|_| migrate(&url))).await;
    let mut applied: Vec<String> = runs.into_iter().flat_map(|run| run.unwrap().applied).collect();
    applied.sort();
    assert_eq!(applied, before.pending);
    let after = migrations(&url).await.unwrap();
    assert_eq!(
        (after.applied, after.pending),
        (before.pending.clone(), Vec::new())
    );
    let again = migrate(&url).await.unwrap();
    assert_eq!((again.applied, again.present), (Vec::new(), before.pending));
    assert_eq!(again.timescaledb, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_serves_an_older_build_and_a_changed_one_does_not() {
    let (server, database) = server().await;
    let url = server.url(&database);
    migrate(&url).await.unwrap();
    let newer = "insert into ceteris_migrations values (9999, 'later', now(), true, 'x', 0)";
    server.psql(&database, newer).await.unwrap();
    assert!(migrate(&url).await.unwrap().applied.is_empty());
    PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap();

    let missing = "delete from ceteris_migrations where version = 3";
    server.psql(&database, missing).await.unwrap();
    let error = PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.disposition(), Disposition::Halt);
    assert!(
        error
            .to_string()
            .contains("lacks the migrations 0003_idempotent_decisions"),
        "{error}"
    );

    let changed = "update ceteris_migrations set checksum = 'x' where version = 1";
    server.psql(&database, changed).await.unwrap();
    let error = migrate(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Migrate { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Halt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_hold_every_text_is_refused_before_it_is_changed() {
    let (server, _) = server().await;
    let make = "create database latin template template0 encoding LATIN1 lc_collate 'C' lc_ctype 'C'";
    server.psql("postgres", make).await.unwrap();
    let error = migrate(&server.url("latin")).await.unwrap_err();
    assert!(error.to_string().contains("LATIN1"), "{error}");
    assert_eq!(
        server
            .psql(
                "latin",
                "select count(*) from pg_class where relname = 'causal_decisions'"
            )
            .await
            .unwrap(),
        "0"
    );
}
