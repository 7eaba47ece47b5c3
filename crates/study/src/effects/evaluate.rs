//! Effects judged by held-out rows, and by the truth where a column holds it.

use std::collections::BTreeMap;

use ceteris_effect::Effect;
use ceteris_estimate::Watch;
use ceteris_estimate::effect::group_effects;
use ceteris_estimate::effect::learners::{Held, held_out_scores};
use ceteris_estimate::evaluate::{
    RateWeight, calibration, dr_score, policy_value, r_score, rate, unit_errors,
};
use ceteris_estimate::inference::{Estimate, solve};
use ceteris_estimate::score::Scores;
use ceteris_stats::Clusters;
use ceteris_table::{Table, TableFault};
use ndarray::{Array1, Array2};

use super::evaluation::{
    AgainstTruth, AreaReport, ArmEvaluation, BestForAll, EstimateFigures, EvaluateReport, HeldOutArm,
    PolicyReport,
};
use super::predict::column_names;
use super::question::EvaluateQuestion;
use super::rows::{EffectRows, Nuisances};
use crate::LEVEL;
use crate::error::{StudyError, question};

/// Half-samples behind the error of a rank-weighted effect.
const RESAMPLES: usize = 200;
/// Groups of rows by rising effect.
const GROUPS: usize = 5;

/// Judges effects, as [`super::Prediction`] writes them, by other rows than those they were learned on: `data` has the same
/// rows as `effects`, in the same order.
///
/// # Errors
/// Questions and rows that do not fit; effects that are missing.
pub fn evaluate(
    asked: &EvaluateQuestion,
    effects: &Table,
    data: &Table,
    watch: Watch<'_>,
) -> Result<EvaluateReport, StudyError> {
    let rows = EffectRows::read(&asked.rows, data)?;
    if effects.len() != rows.y.len() {
        return Err(question(format!(
            "--effects has {} rows, --data {}; give the effects of the same rows in the same order",
            effects.len(),
            rows.y.len()
        )));
    }
    let k = rows.arms().len().max(1);
    if asked.cost.len() != 1 && asked.cost.len() != k || asked.cost.iter().any(|c| !c.is_finite()) {
        return Err(question(format!(
            "--cost has {} numbers for {k} effects; give one for all, or one finite number an effect",
            asked.cost.len()
        )));
    }
    let tau = (0..k)
        .map(|a| effects.complete_numbers(&column_names(rows.arms(), a)[0]))
        .collect::<Result<Vec<_>, TableFault>>()
        .map_err(|fault| question(format!("--effects: {fault}")))?;
    let truth = truth_of(asked, data, k)?;
    let nuisances = Nuisances::for_columns(asked.rows.covariates.len());
    let params = nuisances.params(&asked.rows, 4);
    let held = held_out_scores(&params, &rows.sample(), watch)?;
    let w = rows.weights.clone().unwrap_or_else(|| vec![1.0; rows.y.len()]);
    let table = Array2::from_shape_fn((rows.y.len(), k), |(i, a)| tau[a][i]);
    let r_score = r_score(&held.y, held.d.view(), table.view(), &w)?;
    let mut arms = Vec::with_capacity(k);
    for a in 0..k {
        arms.push(ArmEvaluation {
            arm: rows.arms().get(a).cloned(),
            held_out: held_out(asked, &rows, &held, a, &tau[a], &w)?,
            truth: None,
        });
    }
    let policy = policy(asked, &rows, &held, &tau, &w)?;
    for (a, truth) in truth.iter().enumerate() {
        arms[a].truth = Some(against_truth(effects, &rows, a, truth)?);
    }
    Ok(EvaluateReport {
        n: rows.y.len(),
        r_score,
        arms,
        policy,
        identification: "assumed",
    })
}

/// The true effects of the `k` treatments; none where no column holds them.
fn truth_of(asked: &EvaluateQuestion, data: &Table, k: usize) -> Result<Vec<Vec<f64>>, StudyError> {
    let Some(columns) = &asked.truth else {
        return Ok(Vec::new());
    };
    if columns.len() != k {
        return Err(question(format!(
            "--truth names {} columns for {k} effects; name one an effect, in their order",
            columns.len()
        )));
    }
    columns
        .iter()
        .map(|column| data.complete_numbers(column))
        .collect::<Result<Vec<_>, TableFault>>()
        .map_err(|fault| question(format!("--truth: {fault}")))
}

fn held_out(
    asked: &EvaluateQuestion,
    rows: &EffectRows,
    held: &Held,
    a: usize,
    tau: &[f64],
    w: &[f64],
) -> Result<Option<HeldOutArm>, StudyError> {
    let Some(gamma) = &held.gamma else {
        return Ok(None);
    };
    let clusters = Clusters::by_unit(&rows.units);
    let gamma = gamma.column(a).to_vec();
    let average = solve(&Scores::mean_of(gamma.clone()), w, &clusters)?;
    let area = |weight| rate(&gamma, tau, w, &rows.units, weight, RESAMPLES, asked.rows.seed);
    let grouped = group_effects(&gamma, &groups(tau), GROUPS, w, &clusters)?;
    Ok(Some(HeldOutArm {
        average: EstimateFigures::from(&average),
        autoc: AreaReport::from(&area(RateWeight::Autoc)?),
        qini: AreaReport::from(&area(RateWeight::Qini)?),
        calibration: calibration(&gamma, tau, w, &clusters)?,
        dr_score: dr_score(&gamma, tau, w)?,
        by_effect: grouped.iter().map(EstimateFigures::from).collect(),
    }))
}

/// What the rule gains over giving nobody anything, and over the one arm that is best for all by the same scores.
fn policy(
    asked: &EvaluateQuestion,
    rows: &EffectRows,
    held: &Held,
    tau: &[Vec<f64>],
    w: &[f64],
) -> Result<Option<PolicyReport>, StudyError> {
    let Some(potential) = &held.potential else {
        return Ok(None);
    };
    let cost = match &asked.cost[..] {
        [one] => vec![*one; tau.len()],
        each => each.to_vec(),
    };
    let clusters = Clusters::by_unit(&rows.units);
    let net = potential - &Array1::from_iter(std::iter::once(0.0).chain(cost.iter().copied()));
    let choice: Vec<usize> = (0..rows.y.len()).map(|i| best(tau, &cost, i)).collect();
    let gain = policy_value(net.view(), &choice, Some(0), w, &clusters)?;
    let mut uniform = None::<(usize, Estimate)>;
    for arm in 0..=tau.len() {
        let all = vec![arm; choice.len()];
        let value = policy_value(net.view(), &all, Some(0), w, &clusters)?;
        if uniform
            .as_ref()
            .is_none_or(|(_, best)| value.estimate > best.estimate)
        {
            uniform = Some((arm, value));
        }
    }
    let name = |arm: usize| match arm {
        0 => "none".to_owned(),
        arm => rows.arms()[arm - 1].clone(),
    };
    let total: f64 = w.iter().sum();
    let share = |arm| {
        choice
            .iter()
            .zip(w)
            .filter(|(c, _)| **c == arm)
            .map(|(_, w)| w)
            .sum::<f64>()
            / total
    };
    let shares: BTreeMap<String, f64> = (0..=tau.len()).map(|arm| (name(arm), share(arm))).collect();
    let best_for_all = match uniform {
        None => None,
        Some((arm, _)) => Some(BestForAll {
            arm: name(arm),
            gain_over: EstimateFigures::from(&policy_value(net.view(), &choice, Some(arm), w, &clusters)?),
        }),
    };
    Ok(Some(PolicyReport {
        cost,
        shares,
        gain: EstimateFigures::from(&gain),
        best_for_all,
    }))
}

/// The arm of row i: the first of those furthest above their cost, 0 where none is above it.
fn best(tau: &[Vec<f64>], costs: &[f64], i: usize) -> usize {
    let (mut arm, mut above) = (0, 0.0);
    for (a, (tau, cost)) in tau.iter().zip(costs).enumerate() {
        if tau[i] - cost > above {
            (arm, above) = (a + 1, tau[i] - cost);
        }
    }
    arm
}

/// Fifths of the rows by rising effect; rows of equal effect stay in file order.
fn groups(tau: &[f64]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..tau.len()).collect();
    order.sort_by(|&a, &b| tau[a].total_cmp(&tau[b]));
    let mut group = vec![None; tau.len()];
    for (rank, &i) in order.iter().enumerate() {
        group[i] = Some(rank * GROUPS / tau.len());
    }
    group
}

fn against_truth(
    effects: &Table,
    rows: &EffectRows,
    a: usize,
    truth: &[f64],
) -> Result<AgainstTruth, StudyError> {
    let [tau, error, ..] = column_names(rows.arms(), a);
    let tau = effects.complete_numbers(&tau)?;
    let error = effects
        .numbers(&error)
        .unwrap_or_else(|_| vec![f64::NAN; tau.len()]);
    let known = error.iter().all(|e| e.is_finite());
    let units: Vec<Effect> = tau
        .iter()
        .zip(&error)
        .map(|(&tau, &std_error)| Effect { tau, std_error })
        .collect();
    let errors = unit_errors(&units, truth, LEVEL);
    let errors = errors.ok_or_else(|| question("--truth: the column has no rows to compare"))?;
    Ok(AgainstTruth {
        pehe: errors.rmse,
        coverage: known.then_some(errors.coverage),
        mean_std_error: known.then_some(errors.mean_std_error),
    })
}
