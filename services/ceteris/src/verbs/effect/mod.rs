//! `ceteris effect`: the effect of every row of a table, in order, from a model that `fit-effect` left.

pub(crate) mod args;
pub(crate) mod artifact;
pub(crate) mod rows;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use ceteris_causal::effect::Effect;
use ceteris_registry::read_effect_model;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use self::args::Effect as Args;
use crate::cli::Format;
use crate::output::{bad_input, print};

/// Level of the interval.
pub(crate) const LEVEL: f64 = 0.95;

pub(crate) fn run(format: Format, args: &Args) -> anyhow::Result<()> {
    zipped(&args.out)?;
    let (manifest, lists) = read_effect_model(&args.model)
        .map_err(|error| bad_input(format!("--model: {:#}", anyhow::Error::new(error))))?;
    let model = artifact::from_lists(&manifest, lists)
        .map_err(|error| bad_input(format!("--model {}: {error:#}", args.model.display())))?;
    let table = rows::read_table(&args.data)?;
    let x = rows::covariates(model.columns(), &table)?;
    let effects = model
        .predict_all(&x)
        .map_err(|error| bad_input(error.to_string()))?;
    write(&args.out, &manifest.what.arms, &effects)?;
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

/// Whether the name asks for compression; refuses one that is no table's.
fn zipped(path: &Path) -> anyhow::Result<bool> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let name = name.unwrap_or_default();
    if !name.ends_with(".csv") && !name.ends_with(".csv.gz") {
        return Err(bad_input(format!(
            "--out {}: name it .csv or .csv.gz",
            path.display()
        )));
    }
    Ok(name.ends_with(".gz"))
}

/// Writes effects as csv or csv.gz; what is not known is an empty cell.
fn write(path: &Path, arms: &[String], effects: &[Effect]) -> anyhow::Result<()> {
    let k = arms.len().max(1);
    let file = File::create(path).map_err(|error| bad_input(format!("--out {}: {error}", path.display())))?;
    let file = BufWriter::new(file);
    let header: Vec<String> = (0..k).flat_map(|a| column_names(arms, a)).collect();
    let cell = |v: f64| {
        if v.is_finite() {
            v.to_string()
        } else {
            String::new()
        }
    };
    let body = |out: &mut dyn Write| -> anyhow::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(&header)?;
        for row in effects.chunks(k) {
            csv.write_record(row.iter().flat_map(|e| {
                let [low, high] = e.ci(LEVEL);
                [e.tau, e.std_error, low, high].map(cell)
            }))?;
        }
        csv.flush()?;
        Ok(())
    };
    let written = if zipped(path)? {
        let mut gz = GzEncoder::new(file, Compression::default());
        body(&mut gz).and_then(|()| Ok(gz.finish()?.flush()?))
    } else {
        let mut file = file;
        body(&mut file).and_then(|()| Ok(file.flush()?))
    };
    written.with_context(|| format!("write {}", path.display()))
}
