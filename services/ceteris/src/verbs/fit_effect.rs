//! `ceteris fit-effect`: learn effects per unit from a table of the user's own, and keep the model in a folder.

use std::ops::ControlFlow;

use ceteris_causal::dml::Progress;
use ceteris_causal::effect::learners::{EffectError, EffectLearner, fit_effects};
use ceteris_contract::manifest::{EffectManifest, EffectWhat};
use ceteris_registry::write_effect_model;
use serde_json::{Value, json};

use crate::cli::{FitEffect, Format};
use crate::output::{bad_input, print};
use crate::progress::Stage;
use crate::verbs::effect::artifact::{columns_of, to_lists};
use crate::verbs::effect::rows::{Had, Nuisances, read};

pub(crate) fn run(format: Format, args: &FitEffect) -> anyhow::Result<()> {
    if args.trees < 4 || !args.trees.is_multiple_of(2) {
        return Err(bad_input(format!(
            "--trees {}: give an even number from 4",
            args.trees
        )));
    }
    let rows = read(&args.data, &args.rows)?;
    let nuisances = Nuisances::for_columns(args.rows.covariates.len());
    let params = nuisances.params(&args.rows, args.trees as usize);
    let learner = EffectLearner::from(args.learner);
    let stage = Stage::start("fit-effect", 0);
    let watch = |progress: Progress| {
        stage.total(progress.total as u64);
        stage.at(progress.done as u64);
        ControlFlow::Continue(())
    };
    let model = fit_effects(learner, &params, &rows.data(), &watch).map_err(refused)?;
    stage.done(&format!("{} rows", rows.y.len()));
    let (lists, basis) = to_lists(&model)?;
    let (control, arms) = match &rows.treatment {
        Had::Arms { control, arms, .. } => (control.clone(), arms.clone()),
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
        basis,
    };
    let manifest = EffectManifest::name(what, env!("CARGO_PKG_VERSION").to_owned(), &lists);
    write_effect_model(&args.out, &manifest, &lists)
        .map_err(|error| bad_input(format!("--out: {:#}", anyhow::Error::new(error))))?;
    let document = json!({
        "out": args.out,
        "learner": learner.name(),
        "digest": manifest.digest,
        "rows": rows.y.len(),
        "arms": manifest.what.arms,
        "interval": learner.has_interval(),
        "identification": "assumed",
    });
    print(format, &document, || text(&document))
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
    format!(
        "learner {} on {} rows in {}{interval}",
        document["learner"].as_str().unwrap_or_default(),
        document["rows"],
        document["out"].as_str().unwrap_or_default(),
    )
}
