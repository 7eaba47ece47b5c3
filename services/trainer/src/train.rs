//! The whole way from a dataset to a named artifact, free of IO.

use std::collections::BTreeMap;

use ceteris_causal::dml::{DmlError, Watch};
use ceteris_causal::effect::{BasisError, EffectBasis, ProjectionError};
use ceteris_causal::graph::GraphError;
use ceteris_causal::identify::IdentifyError;
use ceteris_causal::inference::InferenceError;
use ceteris_causal::learner::DesignError;
use ceteris_causal::sample::Unit;
use ceteris_contract::arrays::Arrays;
use ceteris_contract::dataset::{Assignment, Dataset};
use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_contract::manifest::{GateResult, Manifest};
use ceteris_contract::problem::{Problem, View};
use ceteris_contract::time::Timestamp;

use crate::assemble::{Content, assemble};
use crate::covariates::design;
use crate::effects::{AllEffects, fit_all};
use crate::fit::Sample;
use crate::gate::{self, GateFault};
use crate::graph::graph_of;
use crate::identification::{identify_effects, refusal};

/// Name of the gate that at least one effect on the primary outcome be served.
const EFFECTS_SERVED: &str = "effects_served";

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Seed of the folds.
    pub seed: u64,
    /// Number of folds, from 2.
    pub folds: u32,
    /// When the model is made.
    pub now: Timestamp,
    /// The dataset's `as_of`.
    pub as_of: Option<Timestamp>,
    /// Lake tables and versions the dataset was made from.
    pub lake_versions: BTreeMap<String, u64>,
}

/// A model, named by its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// What it is.
    pub manifest: Manifest,
    /// Its coefficients and their covariances.
    pub arrays: Arrays,
}

impl Trained {
    /// The gates that were not passed, in words; none: it may be promoted. Arms with too few rows are left out of the
    /// model, which is no reason not to serve the others.
    pub fn failed_gates(&self) -> Vec<String> {
        let gates = self.manifest.what.gates.iter();
        let gates = gates.filter(|(name, gate)| !gate.passed && !name.starts_with(gate::ROWS_PER_ARM));
        gates
            .map(|(name, gate)| format!("{name}: {} is beyond {}", gate.value, gate.bound))
            .collect()
    }
}

/// Why no model came of a dataset.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The data are not fit to train on.
    #[error("the dataset does not pass the quality gate: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Gate {
        /// Every fault, each naming column and fix.
        faults: Vec<GateFault>,
    },
    /// Nothing the problem asks for is identified per unit.
    #[error("the graph identifies no effect per unit: {}", reasons.join("; "))]
    NothingIdentified {
        /// Treatment, outcome and reason of each.
        reasons: Vec<String>,
    },
    /// The dataset lacks a column of the problem.
    #[error("the dataset has no column {column}; make it from this problem")]
    MissingColumn {
        /// The column.
        column: String,
    },
    /// A column has numbers where categories are meant, or the other way round.
    #[error("column {column} is not of the kind its view says; make the dataset from this problem")]
    ColumnKind {
        /// The column.
        column: String,
    },
    /// A treatment column holds what is no arm.
    #[error("column {column}, row {row}: {arm} is no arm of the problem")]
    UnknownArm {
        /// The column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// What it holds.
        arm: String,
    },
    /// The graph cannot be built.
    #[error("the problem's graph cannot be built")]
    Graph(#[from] GraphError),
    /// Identification was asked what the graph does not have.
    #[error("identification failed")]
    Identify(#[from] IdentifyError),
    /// The design is not valid.
    #[error("the covariates make no design")]
    Design(#[from] DesignError),
    /// The effect basis cannot be fitted.
    #[error("the effect basis cannot be fitted")]
    Basis(#[from] BasisError),
    /// Cross-fitting failed.
    #[error("the scores of treatment {treatment} cannot be fitted")]
    Scores {
        /// The treatment.
        treatment: String,
        /// The cause.
        #[source]
        source: DmlError,
    },
    /// Cross-fitting failed before it was known for which treatment.
    #[error("the scores cannot be fitted")]
    Dml(#[from] DmlError),
    /// The projection failed.
    #[error("the scores cannot be projected on the effect basis")]
    Projection(#[from] ProjectionError),
    /// Inference failed.
    #[error("a standard error cannot be computed")]
    Inference(#[from] InferenceError),
}

impl HasDisposition for TrainError {
    /// The same rows come to the same end.
    fn disposition(&self) -> Disposition {
        Disposition::Park
    }
}

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
    let basis = EffectBasis::fit(&modifiers, &names, &data.weight)?;
    let sample = Sample {
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
    } = fit_all(problem, data, &sample, &identified.proven, watch)?;
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

/// The views of the effect basis, in its order.
pub(crate) fn basis_views(problem: &Problem) -> Vec<&View> {
    problem
        .effect_basis
        .iter()
        .filter_map(|name| problem.view(name))
        .collect()
}
