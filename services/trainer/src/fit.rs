//! The effects of one treatment on outcomes that share a conditioning set: one propensity fit, one regression per arm,
//! scores projected on the effect basis.

use std::collections::BTreeMap;

use ceteris_effect::LinearEffect;
use ceteris_estimate::dml::{ArmLearners, DmlError, DmlParams, FittedMultiArm, FoldPlan, multi_arm};
use ceteris_estimate::effect::{difference_in_means, project};
use ceteris_estimate::inference::Estimate;
use ceteris_estimate::learner::{BasisParams, Design, Linear, Logistic};
use ceteris_estimate::{ArmSample, Arms, PropensitySource, Watch};
use ndarray::Array2;
use serde_json::Value;

use crate::among::Among;
use crate::diagnostics::diagnostics;
use crate::error::TrainError;
use crate::rows::DatasetRows;

/// Knots of every numeric covariate's spline.
const KNOTS: usize = 6;
/// Rows of the smallest arm from which the spline terms are fitted by plain least squares; a ridge steadies fewer.
const OLS_ROWS_MIN: usize = 2_000;
/// Ridge on the standardised spline terms of the propensity model; next to nothing beside tens of thousands of rows.
const PROPENSITY_PENALTY: f64 = 1.0;

/// One arm's effect on one outcome.
pub(crate) struct ArmEffect {
    pub(crate) arm: usize,
    pub(crate) outcome: usize,
    pub(crate) average: Estimate,
    pub(crate) naive: Estimate,
    pub(crate) effect: LinearEffect,
    pub(crate) rows: [u64; 2],
}

/// Everything one fit gives.
pub(crate) struct Fitted {
    pub(crate) effects: Vec<ArmEffect>,
    pub(crate) clipped_share: f64,
    pub(crate) diagnostics: Value,
}

/// The learners by nuisance, in words.
pub(crate) fn learners() -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            "outcome".to_owned(),
            format!(
                "least squares on a natural spline basis ({KNOTS} knots) with products; ridge, lambda by gcv, where \
                 an arm has under {OLS_ROWS_MIN} rows"
            ),
        ),
        (
            "propensity".to_owned(),
            format!(
                "multinomial logit, L2 {PROPENSITY_PENALTY}, on the same basis of what moves the treatment"
            ),
        ),
    ])
}

/// One treatment's arms and outcomes, and what they are regressed on.
pub(crate) struct Question<'a> {
    /// What regressions read.
    pub(crate) x: &'a Design,
    pub(crate) arms: Arms<'a>,
    /// One column an outcome.
    pub(crate) outcomes: &'a Array2<f64>,
    /// Positions of the outcomes in the problem.
    pub(crate) positions: &'a [usize],
    /// Columns of `x` that the propensities read.
    pub(crate) moving: Vec<usize>,
}

/// Fits the arms of a question on each of its outcomes.
pub(crate) fn fit(
    dataset_rows: &DatasetRows<'_>,
    question: Question<'_>,
    watch: Watch<'_>,
) -> Result<Fitted, TrainError> {
    let Question {
        x,
        arms: Arms {
            of_row: arms,
            count: n_arms,
        },
        outcomes,
        positions,
        moving,
    } = question;
    let params = DmlParams {
        folds: FoldPlan::ByUnit {
            k: dataset_rows.folds as usize,
        },
        repeats: 1,
        seed: dataset_rows.seed,
        clip: dataset_rows.clip,
        trim: None,
    };
    let basis = BasisParams::spline(KNOTS).with_interactions();
    let smallest = (0..n_arms)
        .map(|arm| arms.iter().filter(|a| **a == arm).count())
        .min();
    let regressor = match smallest {
        Some(rows) if rows >= OLS_ROWS_MIN => Linear::ols(basis),
        _ => Linear::ridge_gcv(basis),
    };
    let classifier = Among {
        columns: moving,
        learner: Logistic::logit_l2(basis, PROPENSITY_PENALTY),
    };
    let rows = ArmSample {
        y: outcomes.view(),
        d: question.arms,
        z: None,
        x,
        weight: Some(dataset_rows.weights),
        unit: dataset_rows.units,
        cluster: None,
    };
    let learners = ArmLearners {
        g: &regressor,
        m: PropensitySource::Learned(&classifier),
    };
    let params = params.check().map_err(DmlError::from)?;
    let fitted = multi_arm(&params, &rows, learners, watch)?;
    let repeat = &fitted.repeats[0];
    Ok(Fitted {
        effects: effects(dataset_rows, &fitted, arms, outcomes, positions)?,
        clipped_share: repeat.clip.as_ref().map_or(0.0, |clip| clip.share),
        diagnostics: diagnostics(dataset_rows, x, &fitted, arms, outcomes),
    })
}

fn effects(
    dataset_rows: &DatasetRows<'_>,
    fitted: &FittedMultiArm,
    arms: &[usize],
    outcomes: &Array2<f64>,
    positions: &[usize],
) -> Result<Vec<ArmEffect>, TrainError> {
    let contrasts: Vec<(usize, usize)> = (0..fitted.n_outcomes)
        .flat_map(|o| (1..fitted.n_arms).map(move |a| (o, a)))
        .collect();
    let n = arms.len();
    let mut gamma = Array2::zeros((n, contrasts.len()));
    for (column, (outcome, arm)) in contrasts.iter().enumerate() {
        let scores = fitted.gamma(*outcome, *arm, 0);
        gamma
            .column_mut(column)
            .iter_mut()
            .zip(scores)
            .for_each(|(cell, score)| *cell = score);
    }
    let stacked = project(
        dataset_rows.basis,
        dataset_rows.modifiers,
        gamma.view(),
        dataset_rows.weights,
        &fitted.clusters,
    )?;
    let count = |arm: usize| arms.iter().filter(|a| **a == arm).count() as u64;
    contrasts
        .iter()
        .enumerate()
        .map(|(column, (outcome, arm))| {
            let y = outcomes.column(*outcome).to_vec();
            Ok(ArmEffect {
                arm: *arm,
                outcome: positions[*outcome],
                average: fitted.ate(*outcome, *arm, 0)?,
                naive: difference_in_means(&y, arms, *arm, 0, dataset_rows.weights, &fitted.clusters)?,
                effect: stacked.one(column),
                rows: [count(*arm), count(0)],
            })
        })
        .collect()
}
