//! `ceteris decisions`: the decision log as a file, outcomes as columns.

mod outcomes;
mod waiting;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_store::{DecisionStore, SqliteStore};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::cli::{Decisions, Format};
use crate::output::{bad_input, print};
use crate::verbs::decisions::outcomes::{Decided, Outcomes};
use crate::verbs::decisions::waiting::waiting;

/// Decisions read at a time.
const PAGE: u32 = 5_000;

const COLUMNS: [&str; 14] = [
    "decision_id",
    "decided_at",
    "problem",
    "unit",
    "model_version",
    "policy_digest",
    "recommended_treatment",
    "propensity",
    "expected_outcome",
    "reason",
    "degraded",
    "degraded_reasons",
    "latency_us",
    "distribution",
];

pub(crate) async fn run(format: Format, args: Decisions) -> anyhow::Result<()> {
    let since = match &args.since {
        None => Timestamp(0),
        Some(text) => Timestamp::parse(text).ok_or_else(|| {
            bad_input(format!(
                "--since {text}: give RFC 3339, for example 2026-01-31T10:00:00Z"
            ))
        })?,
    };
    let database = args.data_dir.join("decisions.sqlite");
    if !database.is_file() {
        return Err(bad_input(format!(
            "{} does not exist; --data-dir names the folder of a fleet",
            database.display()
        )));
    }
    let kind = kind(&args.out)?;
    let store = SqliteStore::open(&database)
        .await
        .context("open the decision store")?;
    // These first: what is stored meanwhile is then in both, and counts once.
    let waiting = waiting(&args.data_dir, &store).await?;
    let mut decided = Vec::new();
    each_stored(&store, since, |record| {
        decided.push(brief(record));
        Ok(())
    })
    .await?;
    let stored: BTreeSet<String> = decided.iter().map(|one| one.decision_id.clone()).collect();
    let waiting: Vec<DecisionRecord> = waiting
        .into_iter()
        .filter(|r| r.decided_at >= since && !stored.contains(&r.decision_id))
        .collect();
    decided.extend(waiting.iter().map(brief));
    let outcomes = Outcomes::read(&args.data_dir, &decided).await?;

    let mut out = Sheet::create(&args.out, kind, &outcomes)?;
    each_stored(&store, since, |record| {
        match stored.contains(&record.decision_id) {
            true => out.row(record, &outcomes),
            // Stored since the first pass; the next export has it.
            false => Ok(()),
        }
    })
    .await?;
    store.close().await;
    for record in &waiting {
        out.row(record, &outcomes)?;
    }
    out.finish()?;
    let (rows, stored) = (stored.len() + waiting.len(), stored.len());
    let document = json!({"rows": rows, "stored": stored, "waiting": waiting.len(), "out": args.out});
    print(format, &document, || {
        format!(
            "{rows} decisions, {} of them not yet in the store, in {}",
            waiting.len(),
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
    store: &SqliteStore,
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
        after = Some((last.decided_at, last.decision_id.clone()));
        page.iter().try_for_each(&mut visit)?;
    }
}

/// The form a file's name asks for.
fn kind(path: &Path) -> anyhow::Result<&'static str> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let mut kinds = ["csv", "csv.gz", "jsonl"].into_iter();
    kinds
        .find(|kind| name.ends_with(&format!(".{kind}")))
        .ok_or_else(|| {
            bad_input(format!(
                "--out {}: end it with .csv, .csv.gz or .jsonl",
                path.display()
            ))
        })
}

/// The file that is written, by its extension.
enum Sheet {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Lines(Box<dyn Write>),
}

impl Sheet {
    fn create(path: &Path, kind: &str, outcomes: &Outcomes) -> anyhow::Result<Sheet> {
        let file =
            File::create(path).map_err(|error| bad_input(format!("--out {}: {error}", path.display())))?;
        let plain: Box<dyn Write> = Box::new(BufWriter::new(file));
        Ok(match kind {
            "jsonl" => Sheet::Lines(plain),
            "csv.gz" => {
                Sheet::with_header(Box::new(GzEncoder::new(plain, Compression::default())), outcomes)?
            }
            _ => Sheet::with_header(plain, outcomes)?,
        })
    }

    fn with_header(out: Box<dyn Write>, outcomes: &Outcomes) -> anyhow::Result<Sheet> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(
            COLUMNS
                .into_iter()
                .chain(outcomes.columns.iter().map(String::as_str)),
        )?;
        Ok(Sheet::Csv(Box::new(writer)))
    }

    fn row(&mut self, record: &DecisionRecord, outcomes: &Outcomes) -> anyhow::Result<()> {
        let mut row = row(record);
        for column in &outcomes.columns {
            row[column] = outcomes.value(&record.decision_id, column);
        }
        match self {
            Sheet::Lines(out) => {
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n").context("write")
            }
            Sheet::Csv(writer) => {
                let columns = COLUMNS
                    .into_iter()
                    .chain(outcomes.columns.iter().map(String::as_str));
                writer
                    .write_record(columns.map(|column| cell(&row[column])))
                    .context("write")
            }
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Sheet::Lines(mut out) => out.flush().context("write"),
            Sheet::Csv(mut writer) => writer.flush().context("write"),
        }
    }
}

fn row(record: &DecisionRecord) -> Value {
    let decision = &record.decision;
    json!({
        "decision_id": record.decision_id,
        "decided_at": record.decided_at,
        "problem": record.problem,
        "unit": record.unit.key,
        "model_version": record.inputs.model.as_ref().map(|model| &model.version),
        "policy_digest": record.inputs.policy_digest,
        "recommended_treatment": decision.recommended_treatment,
        "propensity": decision.propensity,
        "expected_outcome": decision.expected_outcome,
        "reason": decision.reason,
        "degraded": decision.degraded,
        "degraded_reasons": decision.degraded_reasons,
        "latency_us": record.latency_us,
        "distribution": decision.distribution,
    })
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
