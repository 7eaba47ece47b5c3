//! `ceteris fit-effect`: learn effects per unit from a table of the user's own, and keep the model in a folder.

use anyhow::Context;
use ceteris_causal::effect::learners::{
    Compared, EffectError, EffectLearner, LearnerParams, compare, fit_effects,
};
use ceteris_contract::manifest::{EffectManifest, EffectWhat};
use ceteris_model::effect::{columns_of, to_lists};
use ceteris_model::folder::{self, FolderError};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::output::{bad_input, print};
use crate::progress::watched;
use crate::verbs::effect::args::FitEffect;
use crate::verbs::effect::rows::{Nuisances, Rows, read};
use crate::verbs::treatment::Had;

/// Trees of the forests that learners are compared by: more would change no choice, and all are grown once a fold.
const COMPARED_TREES: usize = 200;

pub(crate) fn run(format: Format, args: &FitEffect) -> anyhow::Result<()> {
    if args.trees < 4 || !args.trees.is_multiple_of(2) {
        return Err(bad_input(format!(
            "--trees {}: give an even number from 4",
            args.trees
        )));
    }
    folder::check_new(&args.out).map_err(unwritten)?;
    let rows = read(&args.data, &args.rows)?;
    let nuisances = Nuisances::for_columns(args.rows.covariates.len());
    let trees = args.trees as usize;
    let (learner, compared) = match args.learner.named() {
        Some(learner) => (learner, Vec::new()),
        None => chosen(&nuisances.params(&args.rows, trees.min(COMPARED_TREES)), &rows)?,
    };
    let params = nuisances.params(&args.rows, trees);
    let model = watched("fit-effect", |watch| {
        fit_effects(learner, &params, &rows.data(), watch)
    })
    .map_err(refused)?;
    let (lists, basis) = to_lists(&model)?;
    let (control, arms) = match &rows.treatment {
        Had::Arms(arms) => (arms.control.clone(), arms.names.clone()),
        Had::Dose(_) => (String::new(), Vec::new()),
    };
    let what = EffectWhat {
        learner: learner.name().to_owned(),
        outcome: args.rows.outcome.clone(),
        treatment: args.rows.treatment.clone(),
        control,
        arms,
        columns: columns_of(model.columns()),
        rows: rows.y.len() as u64,
        seed: args.rows.seed,
        folds: args.rows.folds,
        identification: json!("assumed"),
        compared: compared.iter().map(|one| json!(one)).collect(),
        basis,
    };
    let manifest = EffectManifest::name(what, env!("CARGO_PKG_VERSION").to_owned(), &lists);
    folder::write(&args.out, &manifest, &lists).map_err(unwritten)?;
    let document = json!({
        "out": args.out,
        "learner": learner.name(),
        "digest": manifest.digest,
        "rows": rows.y.len(),
        "arms": manifest.what.arms,
        "control": (!manifest.what.arms.is_empty()).then_some(&manifest.what.control),
        "compared": compared,
        "interval": learner.has_interval(),
        "identification": "assumed",
    });
    print(format, &document, || text(&document))
}

/// The learners from best to worst by their R-score on held-out rows, and the best of them.
fn chosen(params: &LearnerParams<'_>, rows: &Rows) -> anyhow::Result<(EffectLearner, Vec<Compared>)> {
    let compared = watched("compare", |watch| {
        compare(&EffectLearner::ALL, params, &rows.data(), params.folds, watch)
    })
    .map_err(refused)?;
    let best = compared
        .first()
        .context("no learner takes this treatment")?
        .learner;
    Ok((best, compared))
}

fn unwritten(error: FolderError) -> anyhow::Error {
    bad_input(format!("--out: {:#}", anyhow::Error::new(error)))
}

/// What a fit refuses is about the data: the whole chain of causes says which.
pub(crate) fn refused(error: EffectError) -> anyhow::Error {
    bad_input(format!("{:#}", anyhow::Error::new(error)))
}

fn text(document: &Value) -> String {
    let interval = match document["interval"].as_bool() {
        Some(true) => "",
        _ => "; theory gives this learner no interval",
    };
    let mut lines: Vec<String> = document["compared"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            format!(
                "learner {}: R-score {:.5} on held-out rows",
                one["learner"].as_str().unwrap_or_default(),
                one["r_score"].as_f64().unwrap_or(f64::NAN)
            )
        })
        .collect();
    lines.push(format!(
        "learner {} on {} rows in {}{interval}",
        document["learner"].as_str().unwrap_or_default(),
        document["rows"],
        document["out"].as_str().unwrap_or_default(),
    ));
    lines.join("\n")
}
