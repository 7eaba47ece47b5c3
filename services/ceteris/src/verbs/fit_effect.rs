//! `ceteris fit-effect`: learn effects per unit from a table of the user's own, and keep the model in a folder.

use ceteris_model::folder::{self, FolderError};
use ceteris_study::{EffectRows, FitQuestion};
use serde_json::json;

use crate::progress::watched;
use crate::tables::refused;
use crate::verbs::effect::args::FitEffect;
use crate::verbs::effect::read_table;
use ceteris_terminal::{Format, bad_input, print};

pub(crate) fn run(format: Format, args: &FitEffect) -> anyhow::Result<()> {
    let question = FitQuestion::from(args);
    question.check().map_err(refused)?;
    folder::check_new(&args.out).map_err(unwritten)?;
    let rows = EffectRows::read(&question.rows, &read_table(&args.data)?).map_err(refused)?;
    let compared = watched("compare", |watch| rows.compared(&question, watch)).map_err(refused)?;
    let fitted = watched("fit-effect", |watch| rows.fitted(&question, compared, watch)).map_err(refused)?;
    folder::write(&args.out, &fitted.manifest, &fitted.lists).map_err(unwritten)?;
    let report = fitted.report(&args.out);
    print(format, &json!(report), || report.to_string())
}

fn unwritten(error: FolderError) -> anyhow::Error {
    bad_input(format!("--out: {:#}", anyhow::Error::new(error)))
}
