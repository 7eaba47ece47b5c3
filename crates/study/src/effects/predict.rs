//! The effect of every row of a table, in order, from a model that was fitted on another.

use std::path::Path;

use ceteris_contract::manifest::EffectManifest;
use ceteris_effect::Effect;
use ceteris_effect::EffectModel;
use ceteris_table::{Column, ColumnKind, Table};
use serde::Serialize;
use serde_json::Value;

use super::rows::covariates;
use crate::LEVEL;
use crate::error::{StudyError, question};

/// The effects of a table's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Names of the arms; none for a dose.
    pub arms: Vec<String>,
    /// Row by row, and in each row arm by arm. NaN where an effect or its error is not known.
    pub effects: Vec<Effect>,
    /// Rows with a value outside what the model was fitted on.
    pub outside_support: usize,
}

/// What is told of a prediction that was written to a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictionReport<'a> {
    /// Rows.
    pub rows: usize,
    /// The file.
    pub out: &'a Path,
    /// The model's learner.
    pub learner: &'a str,
    /// The model's digest.
    pub digest: &'a str,
    /// Effects that are not known.
    pub unknown: usize,
    /// Rows with a value outside what the model was fitted on.
    pub outside_support: usize,
}

impl std::fmt::Display for PredictionReport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} rows by learner {} to {}; {} rows lie outside the training ranges",
            self.rows,
            self.learner,
            self.out.display(),
            self.outside_support
        )
    }
}

/// Asks a model of a manifest for the effect of every row.
///
/// # Errors
/// Columns of the model that the table lacks, or holds otherwise.
pub fn predict(
    manifest: &EffectManifest,
    model: &EffectModel,
    table: &Table,
) -> Result<Prediction, StudyError> {
    let x = covariates(model.columns(), table)?;
    let effects = model
        .predict_all(&x)
        .map_err(|error| question(error.to_string()))?;
    let outside_support = (0..x.n())
        .filter(|&i| !model.in_support(&x.row(i).to_vec()))
        .count();
    Ok(Prediction {
        arms: manifest.what.arms.clone(),
        effects,
        outside_support,
    })
}

impl Prediction {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.effects.len() / self.per_row()
    }

    fn per_row(&self) -> usize {
        self.arms.len().max(1)
    }

    /// The columns of a table of these effects.
    pub fn columns(&self) -> Vec<Column> {
        let names = (0..self.per_row()).flat_map(|arm| column_names(&self.arms, arm));
        names.map(|name| Column::new(name, ColumnKind::Number)).collect()
    }

    /// The rows of that table; what is not known is null.
    pub fn values(&self) -> impl Iterator<Item = Vec<Value>> + '_ {
        self.effects.chunks(self.per_row()).map(|row| {
            row.iter()
                .flat_map(|effect| {
                    let [low, high] = effect.ci(LEVEL);
                    // JSON has no number for what is not finite, and a null is an empty cell.
                    [effect.tau, effect.std_error, low, high].map(Value::from)
                })
                .collect()
        })
    }

    /// What is told once they lie in a file.
    pub fn report<'a>(&self, manifest: &'a EffectManifest, out: &'a Path) -> PredictionReport<'a> {
        PredictionReport {
            rows: self.rows(),
            out,
            learner: &manifest.what.learner,
            digest: &manifest.digest,
            unknown: self.effects.iter().filter(|effect| effect.tau.is_nan()).count(),
            outside_support: self.outside_support,
        }
    }
}

/// Names of the columns of one arm among `arms`: effect, standard error and interval; one effect needs no prefix.
pub fn column_names(arms: &[String], arm: usize) -> [String; 4] {
    ["effect", "std_error", "ci_low", "ci_high"].map(|name| match arms.len() {
        0 | 1 => name.to_owned(),
        _ => format!("{}.{name}", arms[arm]),
    })
}
