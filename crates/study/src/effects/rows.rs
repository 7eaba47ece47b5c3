//! A table as the rows that effects are learned from or judged by.

use ceteris_effect::forest::Covariates;
use ceteris_effect::{Column, ColumnKind};
use ceteris_estimate::Sample;
use ceteris_estimate::effect::learners::{EffectSample, LearnerParams};
use ceteris_estimate::forest::ForestParams;
use ceteris_estimate::learner::{BasisParams, Linear, Logistic};
use ceteris_stats::Unit;
use ceteris_table::Table;
use ndarray::Array2;

use super::question::EffectQuestion;
use crate::error::{StudyError, question};
use crate::treatment::{self, Treatment};
use crate::units::unit_of;

/// Knots of the nuisances' splines.
const KNOTS: usize = 6;
/// Covariates up to which the outcome's nuisance has interactions: their terms grow with the square.
const INTERACTIONS_MAX: usize = 12;
/// Penalty of the propensities' logistic regression.
const PENALTY: f64 = 1.0;
/// Most levels of a category.
const LEVELS_MAX: usize = 200;

/// Rows read and checked.
#[derive(Debug)]
pub struct EffectRows {
    pub(crate) x: Covariates,
    pub(crate) units: Vec<Unit>,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) y: Vec<f64>,
    pub(crate) treatment: Treatment,
}

impl EffectRows {
    /// The sample that learners of effects read.
    pub(crate) fn sample(&self) -> EffectSample<'_> {
        Sample {
            y: &self.y,
            d: match &self.treatment {
                Treatment::Arms(arms) => ceteris_estimate::Treatment::Arms(ceteris_estimate::Arms {
                    of_row: &arms.of_row,
                    count: arms.names.len() + 1,
                }),
                Treatment::Dose(d) => ceteris_estimate::Treatment::Dose(d),
            },
            z: None,
            x: &self.x,
            weight: self.weights.as_deref(),
            unit: &self.units,
            cluster: None,
        }
    }

    /// Names of the effects: of the arms but control, or none for a dose.
    pub(crate) fn arms(&self) -> &[String] {
        match &self.treatment {
            Treatment::Arms(arms) => &arms.names,
            Treatment::Dose(_) => &[],
        }
    }
}

/// The nuisances of effects from a table.
pub(crate) struct Nuisances {
    outcome: Linear,
    arms: Logistic,
    dose: Linear,
}

impl Nuisances {
    pub(crate) fn for_columns(columns: usize) -> Self {
        let spline = BasisParams::spline(KNOTS);
        let rich = match columns <= INTERACTIONS_MAX {
            true => spline.with_interactions(),
            false => spline,
        };
        Nuisances {
            outcome: Linear::ridge_gcv(rich),
            arms: Logistic::logit_l2(spline, PENALTY),
            dose: Linear::ridge_gcv(rich),
        }
    }

    pub(crate) fn params(&self, asked: &EffectQuestion, trees: usize) -> LearnerParams<'_> {
        LearnerParams {
            ml_l: &self.outcome,
            ml_m: &self.arms,
            ml_dose: &self.dose,
            folds: asked.folds as usize,
            seed: asked.seed,
            clip: asked.clip,
            forest: ForestParams {
                trees,
                ..ForestParams::default()
            },
        }
    }
}

impl EffectRows {
    /// Reads the rows that the question names.
    ///
    /// # Errors
    /// A question that contradicts itself; columns that the table lacks or holds otherwise.
    pub fn read(asked: &EffectQuestion, table: &Table) -> Result<EffectRows, StudyError> {
        asked.check()?;
        let columns = asked
            .covariates
            .iter()
            .map(|name| own_column(table, name))
            .collect::<Result<Vec<_>, StudyError>>()?;
        let units = match &asked.cluster {
            None => Unit::one_per_row(table.len()),
            Some(column) => {
                let cells = table
                    .text(column)
                    .ok_or_else(|| question(format!("--cluster: no column {column}")))?;
                cells
                    .iter()
                    .map(|cell| unit_of(cell.as_deref().unwrap_or_default()))
                    .collect()
            }
        };
        let weights = asked
            .weight
            .as_deref()
            .map(|column| table.complete_numbers(column))
            .transpose()?;
        Ok(EffectRows {
            x: covariates(&columns, table)?,
            units,
            weights,
            y: table.complete_numbers(&asked.outcome)?,
            treatment: treatment::read(table, &asked.treatment, asked.control.as_deref())?,
        })
    }
}

/// A column as it is asked with: numbers where all its cells are numbers, else a category of a few levels. Many levels
/// are an id, or numbers with a slip among them, and the first cell that is none is told.
fn own_column(table: &Table, name: &str) -> Result<Column, StudyError> {
    let Err(fault) = table.numbers(name) else {
        return Ok(Column::numeric(name));
    };
    let Ok(levels) = table.levels(name) else {
        return Err(question(format!("--covariates: {fault}")));
    };
    if levels.len() > LEVELS_MAX {
        return Err(question(format!(
            "--covariates {name}: {} different words, where a category has at most {LEVELS_MAX}; leave the column out or \
             merge levels (if it holds numbers: {fault})",
            levels.len()
        )));
    }
    let levels = levels.into_keys().map(str::to_owned).collect();
    Ok(Column::categorical(name, levels))
}

/// The table's numbers for these columns; a missing cell or a level that is none of the column's is missing.
pub(crate) fn covariates(columns: &[Column], table: &Table) -> Result<Covariates, StudyError> {
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        values.push(match &column.kind {
            ColumnKind::Numeric => table.numbers(&column.name)?,
            ColumnKind::Categorical { levels } => {
                let level = |cell: &Option<String>| {
                    let level = levels.iter().position(|l| Some(l) == cell.as_ref());
                    level.map_or(f64::NAN, |level| level as f64)
                };
                let cells = table
                    .text(&column.name)
                    .ok_or_else(|| question(format!("the file has no column {}", column.name)))?;
                cells.iter().map(level).collect()
            }
        });
    }
    let values = Array2::from_shape_fn((table.len(), columns.len()), |(i, j)| values[j][i]);
    Covariates::new(values, columns.to_vec()).map_err(|error| question(error.to_string()))
}
