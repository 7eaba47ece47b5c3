//! All fits of one dataset: one for the outcomes of a treatment that share a conditioning set, over the arms that have
//! rows enough.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ceteris_contract::dataset::Dataset;
use ceteris_contract::manifest::{GateResult, NotServed};
use ceteris_contract::problem::{NodeRole, Problem, Treatment, View};
use ceteris_estimate::Arms;
use ceteris_estimate::learner::Design;
use ceteris_estimate::{Progress, Watch};
use ceteris_stats::Unit;
use ndarray::{Array2, Axis};
use serde_json::{Value, json};

use crate::arms::arms_of;
use crate::covariates::{design, marks};
use crate::error::TrainError;
use crate::fit::{ArmEffect, Fitted, Question, fit};
use crate::identification::Proven;
use crate::rows::DatasetRows;

/// Effects by (treatment, outcome, arm); arms count from 1, control is 0.
pub(crate) type Effects = BTreeMap<(usize, usize, usize), ArmEffect>;

/// What the fits of one dataset give.
#[derive(Default)]
pub(crate) struct AllEffects {
    pub(crate) effects: Effects,
    /// By treatment and outcomes.
    pub(crate) diagnostics: BTreeMap<String, Value>,
    /// Identified effects whose arm, or whose control, has fewer rows than the problem asks for.
    pub(crate) too_few_rows: Vec<NotServed>,
    /// Gates on overlap.
    pub(crate) clipped_shares: BTreeMap<String, GateResult>,
}

/// One fit: a treatment, the outcomes that share its conditioning set, and the arms with rows enough.
struct Plan<'a> {
    treatment: usize,
    proven: Vec<&'a Proven>,
    arms: Vec<usize>,
    /// Positions of the arms fitted, from 1.
    kept: Vec<usize>,
}

/// Fits every proven effect.
pub(crate) fn fit_all(
    problem: &Problem,
    data: &Dataset,
    dataset_rows: &DatasetRows<'_>,
    proven: &[Proven],
    watch: Watch<'_>,
) -> Result<AllEffects, TrainError> {
    let mut all = AllEffects::default();
    let mut plans = Vec::new();
    for group in groups(proven) {
        let treatment = group[0].treatment;
        let arms = arms_of(&problem.treatments[treatment], data)?;
        let kept = enough(problem, &group, &arms, &mut all.too_few_rows);
        if !kept.is_empty() {
            plans.push(Plan {
                treatment,
                proven: group,
                arms,
                kept,
            });
        }
    }
    // A nuisance a fold: the regression of each arm, control included, and the propensities.
    let fits = |plan: &Plan<'_>| dataset_rows.folds as usize * (plan.kept.len() + 2);
    let total: usize = plans.iter().map(fits).sum();
    let mut before = 0;
    for plan in &plans {
        let whole = |step: Progress| -> ControlFlow<()> {
            watch(Progress {
                done: before + step.done,
                total,
            })
        };
        fit_one(problem, data, dataset_rows, plan, &whole, &mut all)?;
        before += fits(plan);
    }
    Ok(all)
}

/// Outcomes of one treatment that share a conditioning set share one fit; in the problem's order.
fn groups(proven: &[Proven]) -> Vec<Vec<&Proven>> {
    let mut groups: Vec<Vec<&Proven>> = Vec::new();
    for effect in proven {
        let same = |other: &&Proven| {
            other.treatment == effect.treatment
                && other.conditioning.covariates == effect.conditioning.covariates
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(same)) {
            Some(group) => group.push(effect),
            None => groups.push(vec![effect]),
        }
    }
    groups
}

/// Positions of the arms with enough rows, none where control has too few; the others are told, outcome by outcome.
fn enough(problem: &Problem, group: &[&Proven], arms: &[usize], told: &mut Vec<NotServed>) -> Vec<usize> {
    let treatment = &problem.treatments[group[0].treatment];
    let bound = problem.gates.rows_per_arm_min;
    let count = |arm: usize| arms.iter().filter(|a| **a == arm).count() as u64;
    let control = count(0);
    let (kept, left_out): (Vec<usize>, Vec<usize>) =
        (1..=treatment.arms.len()).partition(|&arm| count(arm) >= bound && control >= bound);
    for arm in left_out {
        let id = &treatment.arms[arm - 1].id;
        let witness =
            json!({ "arm": id, "rows": count(arm), "rows_of_control": control, "rows_per_arm_min": bound });
        told.extend(group.iter().map(|effect| NotServed {
            treatment: treatment.name.clone(),
            outcome: problem.outcomes[effect.outcome].name.clone(),
            reason: "too_few_rows".to_owned(),
            witness: witness.clone(),
        }));
    }
    kept
}

/// The rows of one fit: those of control and of the arms kept.
struct Rows {
    units: Vec<Unit>,
    weights: Vec<f64>,
    modifiers: Design,
    x: Design,
    y: Array2<f64>,
    arms: Vec<usize>,
}

fn fit_one(
    problem: &Problem,
    data: &Dataset,
    dataset_rows: &DatasetRows<'_>,
    plan: &Plan<'_>,
    watch: Watch<'_>,
    all: &mut AllEffects,
) -> Result<(), TrainError> {
    let spec = &problem.treatments[plan.treatment];
    let outcomes: Vec<usize> = plan.proven.iter().map(|effect| effect.outcome).collect();
    let covariates = design(
        &views_of(problem, &plan.proven[0].conditioning.covariates),
        data,
        true,
    )?;
    let moving = columns_of(&covariates, &views_of(problem, &plan.proven[0].moving));
    let rows = rows_of(
        dataset_rows,
        plan,
        covariates,
        outcome_columns(problem, data, &outcomes)?,
    );
    let narrowed = DatasetRows {
        units: &rows.units,
        weights: &rows.weights,
        modifiers: &rows.modifiers,
        ..*dataset_rows
    };
    let question = Question {
        x: &rows.x,
        arms: Arms {
            of_row: &rows.arms,
            count: plan.kept.len() + 1,
        },
        outcomes: &rows.y,
        positions: &outcomes,
        moving,
    };
    let fitted = fit(&narrowed, question, watch);
    let Fitted {
        effects,
        clipped_share,
        diagnostics,
    } = fitted.map_err(|error| named(error, spec))?;
    let bound = problem.gates.clipped_share_max;
    let gate = GateResult {
        value: clipped_share,
        bound,
        passed: clipped_share <= bound,
    };
    let name = fit_name(problem, spec, &outcomes);
    all.clipped_shares.insert(format!("clipped_share/{name}"), gate);
    all.diagnostics.insert(name, diagnostics);
    for mut effect in effects {
        effect.arm = plan.kept[effect.arm - 1];
        all.effects
            .insert((plan.treatment, effect.outcome, effect.arm), effect);
    }
    Ok(())
}

/// The rows of control and of the arms kept, whose arms are numbered anew.
fn rows_of(dataset_rows: &DatasetRows<'_>, plan: &Plan<'_>, x: Design, y: Array2<f64>) -> Rows {
    let number = |arm: usize| {
        if arm == 0 {
            Some(0)
        } else {
            plan.kept.iter().position(|k| *k == arm).map(|at| at + 1)
        }
    };
    let numbered: Vec<(usize, usize)> = plan
        .arms
        .iter()
        .enumerate()
        .filter_map(|(row, &arm)| Some((row, number(arm)?)))
        .collect();
    let rows: Vec<usize> = numbered.iter().map(|(row, _)| *row).collect();
    Rows {
        units: rows.iter().map(|&row| dataset_rows.units[row]).collect(),
        weights: rows.iter().map(|&row| dataset_rows.weights[row]).collect(),
        modifiers: dataset_rows.modifiers.select(&rows),
        x: x.select(&rows),
        y: y.select(Axis(0), &rows),
        arms: numbered.into_iter().map(|(_, arm)| arm).collect(),
    }
}

fn named(error: TrainError, treatment: &Treatment) -> TrainError {
    match error {
        TrainError::Dml(source) => TrainError::Scores {
            treatment: treatment.name.clone(),
            source,
        },
        other => other,
    }
}

fn fit_name(problem: &Problem, treatment: &Treatment, outcomes: &[usize]) -> String {
    let outcomes: Vec<&str> = outcomes
        .iter()
        .map(|o| problem.outcomes[*o].name.as_str())
        .collect();
    format!("{}/{}", treatment.name, outcomes.join("+"))
}

/// The views that measure these nodes, in the problem's order.
fn views_of<'a>(problem: &'a Problem, nodes: &[String]) -> Vec<&'a View> {
    let measured = |view: &&View| {
        let mut conditioned = problem
            .graph
            .nodes
            .iter()
            .filter(|node| nodes.contains(&node.name));
        view.role != NodeRole::Mediator && conditioned.any(|node| node.measured_by.contains(&view.name))
    };
    problem.features.iter().filter(measured).collect()
}

/// Positions of the columns of a design that these views fill, their marks of missing values included.
fn columns_of(x: &Design, views: &[&View]) -> Vec<usize> {
    let of = |name: &str| {
        views
            .iter()
            .any(|view| view.name == name || marks(&view.name) == name)
    };
    x.columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| of(&column.name))
        .map(|(at, _)| at)
        .collect()
}

fn outcome_columns(problem: &Problem, data: &Dataset, outcomes: &[usize]) -> Result<Array2<f64>, TrainError> {
    let mut y = Array2::zeros((data.len(), outcomes.len()));
    for (column, outcome) in outcomes.iter().enumerate() {
        let name = problem.outcomes[*outcome].column();
        let values = data
            .numbers(&name)
            .ok_or(TrainError::MissingColumn { column: name })?;
        y.column_mut(column)
            .iter_mut()
            .zip(values)
            .for_each(|(cell, value)| *cell = *value);
    }
    Ok(y)
}
