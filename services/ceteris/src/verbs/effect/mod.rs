//! `ceteris effect`: the effect of every row of a table, in order, from a model that `fit-effect` left.

pub(crate) mod args;

use std::path::Path;

use anyhow::Context;
use ceteris_model::{effect, folder};
use ceteris_study::predict;
use ceteris_table::Table;
use serde_json::json;

use self::args::Effect;
use crate::tables::{create_table, out_format, refused};
use ceteris_terminal::{Format, bad_input, print};

pub(crate) fn run(format: Format, args: &Effect) -> anyhow::Result<()> {
    let table_format = out_format(&args.out)?;
    let (manifest, lists) = folder::read(&args.model)
        .map_err(|error| bad_input(format!("--model: {:#}", anyhow::Error::new(error))))?;
    let model = effect::from_lists(&manifest, lists).map_err(|error| {
        let path = args.model.display();
        bad_input(format!("--model {path}: {:#}", anyhow::Error::new(error)))
    })?;
    let prediction = predict(&manifest, &model, &read_table(&args.data)?).map_err(refused)?;
    let mut out = create_table(&args.out, table_format, prediction.columns())?;
    prediction.values().try_for_each(|row| out.row(row))?;
    out.finish().with_context(|| args.out.display().to_string())?;
    let report = prediction.report(&manifest, &args.out);
    print(format, &json!(report), || report.to_string())
}

/// The table that the user named.
pub(crate) fn read_table(path: &Path) -> anyhow::Result<Table> {
    Table::read(path).map_err(|error| bad_input(format!("{}: {error}", path.display())))
}
