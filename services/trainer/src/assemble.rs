//! The manifest and arrays of a trained model.

use std::collections::BTreeMap;

use ceteris_contract::arrays::Arrays;
use ceteris_contract::dataset::Dataset;
use ceteris_contract::manifest::{GateResult, Manifest, Provenance, ServedEffect, What, feature_hash};
use ceteris_contract::problem::Problem;
use ceteris_effect::EffectBasis;
use ceteris_model::linear;
use serde_json::{Value, json};

use crate::covariates::{basis_views, schema};
use crate::error::TrainError;
use crate::fit::{ArmEffect, learners};
use crate::identification::{Identified, Proven};
use crate::trained::{TrainOptions, Trained};

/// Level of the intervals a manifest states.
const LEVEL: f64 = 0.95;

/// All that goes into an artifact.
pub(crate) struct Content<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) data: &'a Dataset,
    /// Digest of the dataset as it was given, rows that are not read included.
    pub(crate) dataset_digest: String,
    pub(crate) options: &'a TrainOptions,
    pub(crate) basis: &'a EffectBasis,
    pub(crate) identified: &'a Identified,
    pub(crate) effects: BTreeMap<(usize, usize, usize), ArmEffect>,
    pub(crate) diagnostics: BTreeMap<String, Value>,
    pub(crate) gates: BTreeMap<String, GateResult>,
}

pub(crate) fn assemble(content: Content<'_>) -> Result<Trained, TrainError> {
    let Content {
        problem,
        data,
        dataset_digest,
        options,
        basis,
        identified,
        effects,
        diagnostics,
        gates,
    } = content;
    let mut arrays = Arrays::new();
    let mut served = Vec::with_capacity(effects.len());
    for proven in &identified.proven {
        let arms = problem.treatments[proven.treatment].arms.len();
        for arm in 1..=arms {
            let Some(found) = effects.get(&(proven.treatment, proven.outcome, arm)) else {
                continue;
            };
            let entry = served_effect(problem, proven, found);
            linear::insert(&mut arrays, &entry, &found.effect);
            served.push(entry);
        }
    }
    let features = basis_views(problem)
        .into_iter()
        .map(|view| schema(view, data))
        .collect::<Result<Vec<_>, _>>()?;
    let mut units = data.unit.clone();
    units.sort_unstable();
    units.dedup();
    let what = What {
        problem: problem.name.clone(),
        problem_model_digest: problem.model_digest(),
        graph_digest: problem.graph_digest(),
        dataset_digest,
        rows: data.len() as u64,
        units: units.len() as u64,
        seed: options.seed,
        folds: options.folds,
        learners: learners(),
        feature_hash: feature_hash(&features),
        features,
        effect_basis: linear::terms(basis),
        effects: served,
        not_served: identified.not_served.clone(),
        diagnostics,
        gates,
        assumed: false,
    };
    let provenance = Provenance {
        trained_at: options.now,
        as_of: options.as_of,
        ceteris_version: env!("CARGO_PKG_VERSION").to_owned(),
        lake_versions: options.lake_versions.clone(),
        operation_digest: Some(problem.operation_digest()),
    };
    Ok(Trained {
        manifest: Manifest::name(what, provenance, &arrays),
        arrays,
    })
}

fn served_effect(problem: &Problem, proven: &Proven, found: &ArmEffect) -> ServedEffect {
    let treatment = &problem.treatments[proven.treatment];
    let outcome = &problem.outcomes[proven.outcome];
    let arm = &treatment.arms[found.arm - 1];
    ServedEffect {
        treatment: treatment.name.clone(),
        arm: arm.id.clone(),
        outcome: outcome.name.clone(),
        estimate: found.average.estimate,
        std_error: found.average.std_error,
        ci: found.average.ci(LEVEL),
        p_value: found.average.p_value(),
        naive: found.naive.estimate,
        naive_ci: found.naive.ci(LEVEL),
        rows: found.rows,
        estimand: format!(
            "E[{y} | do({d} = {arm})] - E[{y} | do({d} = none)], averaged over the weighted rows; per unit given {x}",
            y = outcome.name,
            d = treatment.name,
            arm = arm.id,
            x = proven.conditioning.covariates.join(", "),
        ),
        identification: json!({
            "per_unit": proven.conditioning,
            "on_average": proven.identification,
        }),
    }
}
