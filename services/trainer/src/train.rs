//! The whole way from a dataset to a named artifact, free of IO.

use ceteris_contract::dataset::{Assignment, Dataset};
use ceteris_contract::manifest::GateResult;
use ceteris_contract::problem::Problem;
use ceteris_estimate::Watch;
use ceteris_estimate::effect::fit_basis;
use ceteris_stats::Unit;

use crate::assemble::{Content, assemble};
use crate::covariates::{basis_views, design};
use crate::effects::{AllEffects, fit_all};
use crate::error::TrainError;
use crate::gate;
use crate::graph::graph_of;
use crate::identification::{identify_effects, refusal};
use crate::rows::DatasetRows;
use crate::trained::{TrainOptions, Trained};

/// Name of the gate that at least one effect on the primary outcome be served.
const EFFECTS_SERVED: &str = "effects_served";

/// Trains every effect that the graph identifies per unit. Results do not depend on the number of threads.
///
/// Only observed rows are read: those whose treatment came about in the world, not by a decision of ours.
///
/// # Errors
/// See [`TrainError`]; every quality fault is listed at once.
pub fn train(
    problem: &Problem,
    data: &Dataset,
    options: &TrainOptions,
    watch: Watch<'_>,
) -> Result<Trained, TrainError> {
    let dataset_digest = data.digest();
    let observed = observed(data);
    let data = observed.as_ref().unwrap_or(data);
    let mut gates = gate::quality(problem, data).map_err(|faults| TrainError::Gate { faults })?;
    let mut identified = identify_effects(problem, &graph_of(problem)?)?;
    if identified.proven.is_empty() {
        let reasons = identified.not_served.iter().map(refusal).collect();
        return Err(TrainError::NothingIdentified { reasons });
    }
    let units: Vec<Unit> = data.unit.iter().map(|unit| Unit::from(unit.0)).collect();
    let modifiers = design(&basis_views(problem), data, false)?;
    let names: Vec<&str> = problem.effect_basis.iter().map(String::as_str).collect();
    let basis = fit_basis(&modifiers, &names, &data.weight).map_err(TrainError::Basis)?;
    let dataset_rows = DatasetRows {
        units: &units,
        weights: &data.weight,
        modifiers: &modifiers,
        basis: &basis,
        folds: options.folds,
        seed: options.seed,
        clip: problem.gates.propensity_clip,
    };
    let AllEffects {
        effects,
        diagnostics,
        too_few_rows,
        clipped_shares,
    } = fit_all(problem, data, &dataset_rows, &identified.proven, watch)?;
    identified.not_served.extend(too_few_rows);
    gates.extend(clipped_shares);
    let served = effects
        .keys()
        .filter(|(_, outcome, _)| problem.outcomes[*outcome].primary)
        .count() as f64;
    gates.insert(
        EFFECTS_SERVED.to_owned(),
        GateResult {
            value: served,
            bound: 1.0,
            passed: served >= 1.0,
        },
    );
    let content = Content {
        problem,
        data,
        dataset_digest,
        options,
        basis: &basis,
        identified: &identified,
        effects,
        diagnostics,
        gates,
    };
    assemble(content)
}

/// The observed rows, where there are others too. Logged rows have another graph, with an edge from every served
/// feature into the treatment, and are evaluated by their propensities instead.
fn observed(data: &Dataset) -> Option<Dataset> {
    let rows: Vec<usize> = (0..data.len())
        .filter(|&row| data.assignment[row] == Assignment::Observed)
        .collect();
    (rows.len() < data.len()).then(|| data.select(&rows))
}
