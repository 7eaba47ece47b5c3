//! `ceteris decisions`: the decision log as a file, outcomes as columns.

mod columns;
mod outcomes;
mod source;

use std::collections::BTreeSet;

use anyhow::Context;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_store::DecisionStore;
use ceteris_terminal::{Format, bad_input, print};
use serde_json::json;

use crate::cli::Decisions;
use crate::tables::{create_table, out_format};
use crate::verbs::decisions::columns::{columns, row};
use crate::verbs::decisions::outcomes::{Decided, Outcomes};
use crate::verbs::decisions::source::Source;

/// Decisions read at a time.
const PAGE: u32 = 5_000;

pub(crate) async fn run(format: Format, args: Decisions) -> anyhow::Result<()> {
    let since = match &args.since {
        None => Timestamp(0),
        Some(text) => Timestamp::parse(text).ok_or_else(|| {
            bad_input(format!(
                "--since {text}: give RFC 3339, for example 2026-01-31T10:00:00Z"
            ))
        })?,
    };
    let table_format = out_format(&args.out)?;
    let source = Source::open(&args).await?;
    let store = &*source.store;
    let mut decided = Vec::new();
    each_stored(store, since, |record| {
        decided.push(brief(record));
        Ok(())
    })
    .await?;
    let stored: BTreeSet<String> = decided.iter().map(|one| one.decision_id.clone()).collect();
    let waiting: Vec<&DecisionRecord> = source
        .waiting
        .iter()
        .filter(|r| r.decided_at >= since && !stored.contains(&r.decision_id))
        .collect();
    decided.extend(waiting.iter().copied().map(brief));
    let outcomes = match &source.history {
        Some(history) => Outcomes::read(history, &decided).await?,
        None => Outcomes::default(),
    };

    let mut out = create_table(&args.out, table_format, columns(&outcomes))?;
    each_stored(store, since, |record| {
        match stored.contains(&record.decision_id) {
            true => Ok(out.row(row(record, &outcomes))?),
            // Stored since the first pass; the next export has it.
            false => Ok(()),
        }
    })
    .await?;
    for record in &waiting {
        out.row(row(record, &outcomes))?;
    }
    out.finish()?;
    let (rows, stored, waiting) = (stored.len() + waiting.len(), stored.len(), waiting.len());
    source.close().await;
    let document = json!({"rows": rows, "stored": stored, "waiting": waiting, "out": args.out});
    print(format, &document, || {
        format!(
            "{rows} decisions, {waiting} of them not yet in the store, in {}",
            args.out.display()
        )
    })
}

fn brief(record: &DecisionRecord) -> Decided {
    Decided {
        decision_id: record.decision_id.clone(),
        problem: record.problem.clone(),
        unit: record.unit,
        at: record.decided_at,
    }
}

/// Visits every stored decision in order, page by page.
async fn each_stored(
    store: &dyn DecisionStore,
    since: Timestamp,
    mut visit: impl FnMut(&DecisionRecord) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = store
            .decisions(since, after.take(), PAGE)
            .await
            .context("read decisions")?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some((last.record().decided_at, last.record().decision_id.clone()));
        page.iter().try_for_each(|logged| visit(logged.record()))?;
    }
}
