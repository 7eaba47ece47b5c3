//! `ceteris migrate`: the schema of the decision store, brought up to date by this verb alone.

use ceteris_store::StoreError;
use ceteris_terminal::{Format, bad_input, print};
use serde_json::json;

use crate::cli::Migrate;

pub(crate) async fn run(format: Format, args: Migrate) -> anyhow::Result<()> {
    match args.check {
        true => check(format, &args.store).await,
        false => migrate(format, &args.store).await,
    }
}

async fn migrate(format: Format, url: &str) -> anyhow::Result<()> {
    let done = ceteris_store::migrate(url).await.map_err(told)?;
    let document = json!({
        "applied": done.applied,
        "present": done.present,
        "timescaledb": done.timescaledb,
    });
    print(format, &document, || {
        let database = match &done.timescaledb {
            Some(version) => format!("TimescaleDB {version}"),
            None => "plain PostgreSQL".to_owned(),
        };
        let applied = done.applied.iter().map(|name| format!("applied {name}"));
        let summary = match done.applied.is_empty() {
            true => format!("up to date on {database}"),
            false => format!("{} migrations on {database}", done.applied.len()),
        };
        applied.chain([summary]).collect::<Vec<_>>().join("\n")
    })
}

async fn check(format: Format, url: &str) -> anyhow::Result<()> {
    let state = ceteris_store::migrations(url).await.map_err(told)?;
    let document = json!({
        "up_to_date": state.pending.is_empty(),
        "applied": state.applied,
        "pending": state.pending,
    });
    print(format, &document, || match state.pending.is_empty() {
        true => format!("up to date: {} migrations", state.applied.len()),
        false => state
            .pending
            .iter()
            .map(|name| format!("pending {name}"))
            .collect::<Vec<_>>()
            .join("\n"),
    })?;
    match state.pending.is_empty() {
        true => Ok(()),
        false => Err(bad_input(format!(
            "the database lacks {} migrations: run `ceteris migrate --store URL`",
            state.pending.len()
        ))),
    }
}

/// What the user can mend by another URL or database exits with 2.
fn told(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::BadUrl { .. } | StoreError::Encoding { .. } => bad_input(format!("--store: {error}")),
        error => anyhow::Error::new(error).context("migrate the decision store"),
    }
}
