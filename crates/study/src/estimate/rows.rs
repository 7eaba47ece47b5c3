//! The rows of one estimate, read from the table.

use std::collections::BTreeMap;

use ceteris_effect::Column;
use ceteris_estimate::Sample;
use ceteris_estimate::dml::FoldPlan;
use ceteris_estimate::learner::Design;
use ceteris_stats::Unit;
use ceteris_table::Table;
use ndarray::Array2;

use super::question::EstimateQuestion;
use crate::error::{StudyError, question};
use crate::treatment::{self, Arms};
use crate::units::{rows_by_content, unit_of};

/// What an estimate reads.
pub(super) struct EstimateRows {
    pub(super) y: Vec<f64>,
    /// The treatment as a number; of named arms the arm's, 0 for control.
    pub(super) d: Vec<f64>,
    /// The arms, where the user named a control.
    pub(super) arms: Option<Arms>,
    /// The instrument, where there is one.
    pub(super) z: Option<Vec<f64>>,
    pub(super) x: Design,
    pub(super) mediators: Design,
    pub(super) units: Vec<Unit>,
    /// The second way of clustering, where there is one.
    pub(super) second: Option<Vec<Unit>>,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) folds: FoldPlan,
    /// Rows without a value, by covariate.
    pub(super) missing: BTreeMap<String, usize>,
}

impl EstimateRows {
    /// The sample that estimators read.
    pub(super) fn sample(&self) -> Sample<'_> {
        Sample {
            y: &self.y,
            d: &self.d,
            z: self.z.as_deref(),
            x: &self.x,
            weight: self.weights.as_deref(),
            unit: &self.units,
            cluster: self.second.as_deref(),
        }
    }

    pub(super) fn weights(&self) -> Vec<f64> {
        self.weights.clone().unwrap_or_else(|| vec![1.0; self.y.len()])
    }

    /// The arms where there are several beside control.
    pub(super) fn several_arms(&self) -> Option<&Arms> {
        self.arms.as_ref().filter(|arms| arms.names.len() > 1)
    }

    pub(super) fn read(asked: &EstimateQuestion, table: &Table) -> Result<EstimateRows, StudyError> {
        if table.is_empty() {
            return Err(StudyError::NoRows);
        }
        let (x, mut missing) = design(table, &asked.covariates)?;
        let (mediators, gaps) = design(table, &asked.mediator)?;
        missing.extend(gaps);
        let mut ways = asked.cluster.iter().map(|column| units(table, column));
        let first = ways.next().transpose()?;
        let second = ways.next().transpose()?;
        let weights = asked
            .weight
            .as_ref()
            .map(|c| numbers(table, "--weight", c))
            .transpose()?;
        if let (Some(column), Some(w)) = (&asked.weight, &weights) {
            if let Some(bad) = w.iter().find(|w| **w < 0.0) {
                return Err(question(format!("--weight {column}: {bad} is negative")));
            }
            if w.iter().sum::<f64>() <= 0.0 {
                return Err(question(format!("--weight {column}: no row has any")));
            }
        }
        let arms = asked
            .control
            .as_deref()
            .map(|control| treatment::arms(table, &asked.treatment, control))
            .transpose()?;
        let d = match &arms {
            Some(arms) => arms.of_row.iter().map(|arm| *arm as f64).collect(),
            None => numbers(table, "--treatment", &asked.treatment)?,
        };
        let sample = EstimateRows {
            y: numbers(table, "--outcome", &asked.outcome)?,
            d,
            arms,
            z: asked
                .instrument
                .as_ref()
                .map(|column| numbers(table, "--instrument", column))
                .transpose()?,
            x,
            mediators,
            units: first.unwrap_or_else(|| rows_by_content(table)),
            folds: folds(table, asked, second.is_some())?,
            second,
            weights,
            missing,
        };
        sample.check(asked)?;
        Ok(sample)
    }
}

/// A column that may have no gap.
fn numbers(table: &Table, flag: &str, column: &str) -> Result<Vec<f64>, StudyError> {
    let values = table.numbers(column).map_err(|fault| {
        let arms = if flag == "--treatment" && table.text(column).is_some() {
            "; of named arms, say which one is no treatment with --control"
        } else {
            ""
        };
        question(format!("{flag}: {fault}{arms}"))
    })?;
    match values.iter().position(|value| value.is_nan()) {
        Some(row) => {
            let line = table.lines()[row];
            Err(question(format!(
                "{flag}: line {line}, column {column}: is empty; leave out rows without it"
            )))
        }
        None => Ok(values),
    }
}

/// Columns of numbers as they are, others as categories, gaps allowed and counted.
fn design(table: &Table, names: &[String]) -> Result<(Design, BTreeMap<String, usize>), StudyError> {
    let mut columns = Vec::with_capacity(names.len());
    let mut missing = BTreeMap::new();
    for name in names {
        let (column, values) = covariate(table, name)?;
        let gaps = values.iter().filter(|v| v.is_nan()).count();
        if gaps > 0 {
            missing.insert(name.clone(), gaps);
        }
        columns.push((column, values));
    }
    let values = Array2::from_shape_fn((table.len(), columns.len()), |(i, j)| columns[j].1[i]);
    let kinds = columns.into_iter().map(|(column, _)| column).collect();
    let design = Design::with_missing(values, kinds).map_err(|error| question(error.to_string()))?;
    Ok((design, missing))
}

fn covariate(table: &Table, name: &str) -> Result<(Column, Vec<f64>), StudyError> {
    let fault = match table.numbers(name) {
        Ok(values) => return Ok((Column::numeric(name), values)),
        Err(fault) => fault,
    };
    let Some(cells) = table.text(name) else {
        return Err(question(format!("--covariates, --mediator: {fault}")));
    };
    let counts = table.levels(name)?;
    let levels: Vec<String> = counts.into_keys().map(str::to_owned).collect();
    let position = |cell: &Option<String>| {
        let level = cell.as_ref().and_then(|cell| levels.binary_search(cell).ok());
        level.map_or(f64::NAN, |level| level as f64)
    };
    let values = cells.iter().map(position).collect();
    Ok((Column::categorical(name, levels.clone()), values))
}

/// The units that a column names; an empty cell names none.
fn units(table: &Table, column: &str) -> Result<Vec<Unit>, StudyError> {
    let cells = table.text(column).ok_or_else(|| {
        let names = table.names().join(", ");
        question(format!(
            "--cluster: the file has no column {column}; it has: {names}"
        ))
    })?;
    cells
        .iter()
        .zip(table.lines())
        .map(|(cell, line)| match cell {
            Some(name) => Ok(unit_of(name)),
            None => Err(question(format!(
                "--cluster: line {line}, column {column}: is empty; every row needs its unit"
            ))),
        })
        .collect()
}

fn folds(table: &Table, asked: &EstimateQuestion, two_ways: bool) -> Result<FoldPlan, StudyError> {
    let k = asked.folds as usize;
    let Some(column) = &asked.fold_column else {
        return Ok(match two_ways {
            false => FoldPlan::ByUnit { k },
            true => FoldPlan::ByTwoWays { k },
        });
    };
    let labels = numbers(table, "--fold-column", column)?;
    let is_fold = |label: f64| label.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&label);
    if let Some(bad) = labels.iter().find(|label| !is_fold(**label)) {
        return Err(question(format!(
            "--fold-column {column}: {bad} is no fold; number them from 0"
        )));
    }
    Ok(FoldPlan::Given(
        labels.into_iter().map(|label| label as u32).collect(),
    ))
}
