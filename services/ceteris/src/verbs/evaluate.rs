//! `ceteris evaluate`: effects judged by held-out rows, and by the truth where a column holds it.

use ceteris_study::{EvaluateQuestion, evaluate};
use serde_json::json;

use crate::progress::watched;
use crate::tables::refused;
use crate::verbs::effect::args::Evaluate;
use crate::verbs::effect::read_table;
use ceteris_terminal::{Format, print};

pub(crate) fn run(format: Format, args: &Evaluate) -> anyhow::Result<()> {
    let question = EvaluateQuestion::from(args);
    let effects = read_table(&args.effects)?;
    question.rows.check().map_err(refused)?;
    let data = read_table(&args.data)?;
    let report = watched("evaluate", |watch| evaluate(&question, &effects, &data, watch));
    let report = report.map_err(refused)?;
    print(format, &json!(report), || report.to_string())
}
