//! `ceteris migrate` and `ceteris decisions --store` on a real PostgreSQL.

use std::process::Output;

use ceteris_store::conformance::batch;
use ceteris_store::{DecisionStore, PostgresOptions, PostgresStore};
use ceteris_testkit::postgres::Postgres;
use serde_json::Value;

use crate::support::output as ceteris;

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn document(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_migrated_checked_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(&folder.path().join("postgres")).await.unwrap();
    let url = server.create_database("decisions").await.unwrap();

    let lacking = ceteris(&["migrate", "--store", &url, "--check", "--format", "json"]);
    assert_eq!(code(&lacking), 2);
    let pending = document(&lacking)["pending"].clone();
    assert_eq!(pending[0], "0001_causal_decisions");
    let out = folder.path().join("decisions.csv");
    let out = out.to_str().unwrap();
    let early = ceteris(&["decisions", "--store", &url, "--out", out]);
    assert_ne!(code(&early), 0);
    assert!(String::from_utf8_lossy(&early.stderr).contains("run `ceteris migrate --store URL`"));

    let first = ceteris(&["migrate", "--store", &url, "--format", "json"]);
    assert_eq!(code(&first), 0, "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(document(&first)["applied"], pending);
    let again = ceteris(&["migrate", "--store", &url]);
    assert_eq!(
        String::from_utf8_lossy(&again.stdout).trim(),
        "up to date on plain PostgreSQL"
    );
    let checked = ceteris(&["migrate", "--store", &url, "--check", "--format", "json"]);
    assert_eq!(
        (code(&checked), &document(&checked)["up_to_date"]),
        (0, &Value::Bool(true))
    );

    let store = PostgresStore::connect(&url, PostgresOptions::default())
        .await
        .unwrap();
    store.append(&batch(0, 0, 0..6_000)).await.unwrap();
    let since = "1970-01-01T00:10:00Z";
    let export = ceteris(&[
        "decisions",
        "--store",
        &url,
        "--since",
        since,
        "--out",
        out,
        "--format",
        "json",
    ]);
    assert_eq!(code(&export), 0, "{}", String::from_utf8_lossy(&export.stderr));
    assert_eq!(
        (&document(&export)["rows"], &document(&export)["waiting"]),
        (&5_400.into(), &0.into())
    );
    let text = std::fs::read_to_string(out).unwrap();
    let mut lines = text.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("decision_id,decided_at,problem,unit")
    );
    assert!(lines.next().unwrap().contains("1970-01-01T00:10:00Z"));
    assert_eq!(lines.count(), 5_399);
}

#[test]
fn what_names_no_database_is_the_users_to_mend() {
    let out = std::env::temp_dir().join("never-written.csv");
    let out = out.to_str().unwrap();
    for arguments in [
        &["migrate", "--store", "mysql://me:secret@host/x"] as &[&str],
        &["decisions", "--store", "decisions.sqlite", "--out", out],
        &["decisions", "--out", out],
        &[
            "decisions",
            "--store",
            "postgres://host/x",
            "--data-dir",
            ".",
            "--out",
            out,
        ],
    ] {
        let output = ceteris(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code(&output), 2, "{arguments:?}: {told}");
        assert!(!told.contains("secret"), "{told}");
    }
}
