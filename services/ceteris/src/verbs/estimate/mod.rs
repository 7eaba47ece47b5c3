//! `ceteris estimate`: double machine learning of arms and doses, instruments, the front door and matching on a table
//! of the user's own.

pub(crate) mod args;

use ceteris_study::{EstimateQuestion, StudyError, estimate_identified};
use ceteris_table::Table;
use serde_json::json;

use self::args::Estimate;
use crate::progress::watched;
use crate::tables::refused;
use crate::verbs::identify::read_graph;
use ceteris_terminal::{Format, bad_input, print};

pub(crate) fn run(format: Format, args: &Estimate) -> anyhow::Result<()> {
    let question = EstimateQuestion::from(args);
    question.check().map_err(refused)?;
    let graph = args.graph.as_deref().map(read_graph).transpose()?;
    let identification = question.identification(graph.as_ref()).map_err(refused)?;
    let told = |error: anyhow::Error| bad_input(format!("--data {}: {error:#}", args.data.display()));
    let table = Table::read(&args.data).map_err(|error| told(error.into()))?;
    let report = watched("estimate", |watch| {
        estimate_identified(&question, &table, identification, watch)
    });
    let report = report.map_err(|error| match error {
        StudyError::NoRows => told(error.into()),
        other => refused(other),
    })?;
    print(format, &json!(report), || report.to_string())
}
