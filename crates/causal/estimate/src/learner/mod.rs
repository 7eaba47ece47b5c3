//! Nuisance learners behind two traits, the table they read, and the bases that linear ones are fitted on.
//!
//! A learner knows nothing of treatments, folds or scores. Several targets share one fit ([`Regressor::fit`] takes
//! a matrix of targets), because outcomes of one decision are regressed on the same rows.

mod basis;
mod boosting;
mod calibrate;
mod design;
mod forest;
mod inner;
mod kind;
mod regression;
mod stack;
mod tree;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

pub use basis::{BasisParams, FittedBasis, NumericBasis};
pub use boosting::Boosting;
pub use calibrate::{Calibrated, Calibration};
pub use design::{Design, DesignError};
pub use forest::Forest;
pub use kind::LearnerKind;
pub use regression::{ElasticNet, Linear, Logistic, Penalty, Probability};
pub use stack::Stack;

/// Learns conditional means: `E[y_j | x]` for each of `m` targets.
pub trait Regressor: Send + Sync {
    /// Name written in manifests and replies, such as `ols`.
    fn name(&self) -> &'static str;

    /// Fits `m` targets on the same rows.
    ///
    /// `x` is n × p, `y` n × m, `w` n non-negative row weights whose scale does not matter. `seed` is the only
    /// randomness a learner may use.
    ///
    /// # Errors
    /// Shapes that disagree, no row of positive weight, or numbers that are not finite.
    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError>;

    /// The linear regression that this learner is, if it is one. Equal ones that learn from the same rows share a fit,
    /// which for two targets costs hardly more than for one.
    fn linear(&self) -> Option<Linear> {
        None
    }
}

impl<C: Classifier + ?Sized> Classifier for &C {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        (**self).fit(x, classes, n_classes, w, seed)
    }
}

impl<C: Classifier + ?Sized> Classifier for Box<C> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        (**self).fit(x, classes, n_classes, w, seed)
    }
}

/// A fitted [`Regressor`].
pub trait FittedRegressor: Send + Sync {
    /// Predictions n × m for the rows of `x`.
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError>;

    /// What a reader of the estimate should know about the fit.
    fn flags(&self) -> &[LearnerFlag];
}

/// Learns conditional probabilities of classes `0..K`.
pub trait Classifier: Send + Sync {
    /// Name written in manifests and replies, such as `logit`.
    fn name(&self) -> &'static str;

    /// Fits class probabilities; `classes[i] < n_classes`, `w` as in [`Regressor::fit`].
    ///
    /// # Errors
    /// As [`Regressor::fit`], and a class without a row of positive weight.
    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError>;
}

/// A fitted [`Classifier`].
pub trait FittedClassifier: Send + Sync {
    /// Probabilities n × K; each row sums to one.
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError>;

    /// What a reader of the estimate should know about the fit.
    fn flags(&self) -> &[LearnerFlag];
}

/// Something about a fit that does not stop it but must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnerFlag {
    /// Columns were linear combinations of earlier ones and carry no coefficient.
    RankDeficient,
    /// A class is predicted with probability below 1e-9 for some training row: the data separate.
    Separated,
    /// The iterations ended before the gradient vanished.
    NotConverged,
}

/// Why a learner could not be fitted or asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnerError {
    /// Targets, classes or weights have another length than the table.
    #[error("{what} has {found} rows where the table has {rows}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// No row carries weight.
    #[error("there is no row of positive weight to learn from")]
    NoRows,
    /// A weight is negative or not finite.
    #[error("weight {row} is negative or not a finite number")]
    Weight {
        /// The row.
        row: usize,
    },
    /// A target is not finite.
    #[error("the target of row {row} is not a finite number")]
    Target {
        /// The row.
        row: usize,
    },
    /// A class has no row to learn from, or a label is outside `0..K`.
    #[error("class {class} has no row to learn from among {n_classes} classes")]
    EmptyClass {
        /// The class.
        class: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// A target of [`Probability`] is neither 0 nor 1.
    #[error("row {row} is neither 0 nor 1, so its probability cannot be learned")]
    NotBinary {
        /// The row.
        row: usize,
    },
    /// The table asked about has other columns than the one fitted.
    #[error("the table has {found} columns where the fit saw {fitted}")]
    Columns {
        /// Columns asked about.
        found: usize,
        /// Columns fitted.
        fitted: usize,
    },
    /// A parameter is outside its range.
    #[error("{name} must be {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its range in words.
        range: &'static str,
    },
}

/// Checks lengths, weights and targets, and returns the weights scaled to mean one over the rows.
pub(crate) fn check_rows(
    x: &Design,
    y: Option<ArrayView2<f64>>,
    w: &[f64],
) -> Result<Vec<f64>, LearnerError> {
    let rows = x.n();
    if w.len() != rows {
        return Err(LearnerError::Length {
            what: "weights",
            found: w.len(),
            rows,
        });
    }
    if let Some(row) = w.iter().position(|v| !v.is_finite() || *v < 0.0) {
        return Err(LearnerError::Weight { row });
    }
    if let Some(y) = y {
        if y.nrows() != rows {
            return Err(LearnerError::Length {
                what: "targets",
                found: y.nrows(),
                rows,
            });
        }
        if let Some(row) = y.outer_iter().position(|r| r.iter().any(|v| !v.is_finite())) {
            return Err(LearnerError::Target { row });
        }
    }
    let total: f64 = w.iter().sum();
    if total <= 0.0 || !total.is_finite() {
        return Err(LearnerError::NoRows);
    }
    let scale = rows as f64 / total;
    Ok(w.iter().map(|v| v * scale).collect())
}
