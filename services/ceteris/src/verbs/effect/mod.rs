//! `ceteris effect`: the effect of every row of a table, in order, from a model that `fit-effect` left.

pub(crate) mod args;
pub(crate) mod rows;

use std::path::Path;

use anyhow::Context;
use ceteris_causal::effect::Effect;
use ceteris_model::{effect, folder};
use ceteris_table::{Column, ColumnKind, FileFormat};
use serde_json::{Value, json};

use self::args::Effect as Args;
use crate::cli::Format;
use crate::output::{bad_input, create_table, out_format, print};

/// Level of the interval.
pub(crate) const LEVEL: f64 = 0.95;

pub(crate) fn run(format: Format, args: &Args) -> anyhow::Result<()> {
    let table_format = out_format(&args.out)?;
    let (manifest, lists) = folder::read(&args.model)
        .map_err(|error| bad_input(format!("--model: {:#}", anyhow::Error::new(error))))?;
    let model = effect::from_lists(&manifest, lists)
        .map_err(|error| bad_input(format!("--model {}: {error:#}", args.model.display())))?;
    let table = rows::read_table(&args.data)?;
    let x = rows::covariates(model.columns(), &table)?;
    let effects = model
        .predict_all(&x)
        .map_err(|error| bad_input(error.to_string()))?;
    write(&args.out, table_format, &manifest.what.arms, &effects)?;
    let unknown = effects.iter().filter(|effect| effect.tau.is_nan()).count();
    let outside = (0..x.n())
        .filter(|&i| !model.in_support(&x.row(i).to_vec()))
        .count();
    let document = json!({
        "rows": x.n(),
        "out": args.out,
        "learner": manifest.what.learner,
        "digest": manifest.digest,
        "unknown": unknown,
        "outside_support": outside,
    });
    print(format, &document, || {
        format!(
            "{} rows by learner {} to {}; {outside} rows lie outside the training ranges",
            x.n(),
            manifest.what.learner,
            args.out.display()
        )
    })
}

/// Names of the columns of one arm among `arms`; one effect needs no prefix.
pub(crate) fn column_names(arms: &[String], arm: usize) -> [String; 4] {
    ["effect", "std_error", "ci_low", "ci_high"].map(|name| match arms.len() {
        0 | 1 => name.to_owned(),
        _ => format!("{}.{name}", arms[arm]),
    })
}

/// Writes effects; what is not known is left empty.
fn write(path: &Path, table_format: FileFormat, arms: &[String], effects: &[Effect]) -> anyhow::Result<()> {
    let k = arms.len().max(1);
    let names = (0..k).flat_map(|a| column_names(arms, a));
    let columns = names.map(|name| Column::new(name, ColumnKind::Number)).collect();
    let mut table = create_table(path, table_format, columns)?;
    for row in effects.chunks(k) {
        let values = row.iter().flat_map(|effect| {
            let [low, high] = effect.ci(LEVEL);
            // JSON has no number for what is not finite, and a null is an empty cell.
            [effect.tau, effect.std_error, low, high].map(Value::from)
        });
        table.row(values.collect())?;
    }
    table.finish().with_context(|| path.display().to_string())
}
