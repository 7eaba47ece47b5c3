//! `ceteris decisions`: the decision log as a file, outcomes as columns.

use std::collections::{BTreeMap, BTreeSet};
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
            bad_input(format!("--since {text}: give RFC 3339, for example 2026-01-31T10:00:00Z"))
        })?,
    };
    let database = args.data_dir.join("decisions.sqlite");
    if !database.is_file() {
        return Err(bad_input(format!("{} does not exist; --data-dir names the folder of a fleet", database.display())));
    }
    let mut out = Sheet::create(&args.out)?;
    let store = SqliteStore::open(&database).await.context("open the decision store")?;
    let mut written = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.decisions(since, after.take(), PAGE).await.context("read decisions")?;
        let Some(last) = page.last() else { break };
        after = Some((last.decided_at, last.decision_id.clone()));
        for record in page {
            out.row(&record)?;
            written.insert(record.decision_id);
        }
    }
    let stored = written.len();
    store.close().await;
    // Answered, but not yet on its way to the store.
    for record in spooled(&args.data_dir)? {
        if record.decided_at >= since && written.insert(record.decision_id.clone()) {
            out.row(&record)?;
        }
    }
    out.finish()?;
    let document = json!({"rows": written.len(), "stored": stored, "spooled": written.len() - stored, "out": args.out});
    print(format, &document, || {
        format!("{} decisions, {} of them still in the spool, in {}", written.len(), written.len() - stored, args.out.display())
    })
}

fn spooled(folder: &Path) -> anyhow::Result<Vec<DecisionRecord>> {
    let mut records = BTreeMap::new();
    let folder = folder.join("spool");
    if folder.is_dir() {
        ceteris_decide::journal::pending(&folder, |spooled| {
            let record: DecisionRecord = serde_json::from_slice(&spooled.payload)
                .with_context(|| format!("decision {} in the spool cannot be read", spooled.decision_id))?;
            records.insert((record.decided_at, record.decision_id.clone()), record);
            Ok(())
        })
        .context("read the spool")?;
    }
    Ok(records.into_values().collect())
}

/// The file that is written, by its extension.
enum Sheet {
    Csv(csv::Writer<Box<dyn Write>>),
    Lines(Box<dyn Write>),
}

impl Sheet {
    fn create(path: &Path) -> anyhow::Result<Sheet> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let kind = ["csv", "csv.gz", "jsonl"].into_iter().find(|kind| name.ends_with(&format!(".{kind}")));
        let Some(kind) = kind else {
            return Err(bad_input(format!("--out {}: end it with .csv, .csv.gz or .jsonl", path.display())));
        };
        let file = File::create(path).map_err(|error| bad_input(format!("--out {}: {error}", path.display())))?;
        let plain: Box<dyn Write> = Box::new(BufWriter::new(file));
        Ok(match kind {
            "jsonl" => Sheet::Lines(plain),
            "csv.gz" => Sheet::with_header(Box::new(GzEncoder::new(plain, Compression::default())))?,
            _ => Sheet::with_header(plain)?,
        })
    }

    fn with_header(out: Box<dyn Write>) -> anyhow::Result<Sheet> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(COLUMNS)?;
        Ok(Sheet::Csv(writer))
    }

    fn row(&mut self, record: &DecisionRecord) -> anyhow::Result<()> {
        let row = row(record);
        match self {
            Sheet::Lines(out) => {
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n").context("write")
            }
            Sheet::Csv(writer) => writer.write_record(COLUMNS.map(|column| cell(&row[column]))).context("write"),
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
