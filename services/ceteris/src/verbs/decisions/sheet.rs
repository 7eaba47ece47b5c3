//! The file that is written: a row a decision, in the form its name asks for.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use ceteris_contract::record::DecisionRecord;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::output::bad_input;
use crate::verbs::decisions::outcomes::Outcomes;

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

/// The form a file's name asks for.
pub(super) fn kind(path: &Path) -> anyhow::Result<&'static str> {
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
pub(super) enum Sheet {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Lines(Box<dyn Write>),
}

impl Sheet {
    pub(super) fn create(path: &Path, kind: &str, outcomes: &Outcomes) -> anyhow::Result<Sheet> {
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

    pub(super) fn row(&mut self, record: &DecisionRecord, outcomes: &Outcomes) -> anyhow::Result<()> {
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

    pub(super) fn finish(self) -> anyhow::Result<()> {
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
