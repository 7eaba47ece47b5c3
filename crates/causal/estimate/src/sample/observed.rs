//! The typed sample that every estimator reads: each part by its name, so that no two can be taken for each other.

use ceteris_effect::forest::Covariates;
use ceteris_stats::{Clusters, Unit};
use ndarray::ArrayView2;

use crate::argument::{ArgumentError, check_length, check_weights};
use crate::learner::Design;

/// What was observed, one entry a row. `D` is the form of the treatment, `Y` that of the outcome, `X` that of the
/// covariates; by default numbers, numbers and a table for learners.
#[derive(Debug)]
pub struct Sample<'a, D = &'a [f64], Y = &'a [f64], X = Design> {
    /// Outcome.
    pub y: Y,
    /// Treatment.
    pub d: D,
    /// Instrument, for the estimators that use one.
    pub z: Option<&'a [f64]>,
    /// Covariates, n × p.
    pub x: &'a X,
    /// Sampling weights, the inverse of the probability with which a row was drawn; absent means all equal.
    pub weight: Option<&'a [f64]>,
    /// The unit of each row. Rows of one unit share a fold, and errors are clustered by unit.
    pub unit: &'a [Unit],
    /// A second way of clustering, for errors clustered in two ways and folds cut by both.
    pub cluster: Option<&'a [Unit]>,
}

impl<D: Clone, Y: Clone, X> Clone for Sample<'_, D, Y, X> {
    fn clone(&self) -> Self {
        self.with(self.d.clone(), self.y.clone())
    }
}

impl<D: Copy, Y: Copy, X> Copy for Sample<'_, D, Y, X> {}

/// The arm that each row had.
#[derive(Clone, Copy, Debug)]
pub struct Arms<'a> {
    /// The arm of each row, below `count`; 0 is control.
    pub of_row: &'a [usize],
    /// Number of arms, control included.
    pub count: usize,
}

/// A treatment that is one of several arms, or a dose.
#[derive(Clone, Copy, Debug)]
pub enum Treatment<'a> {
    /// The arm of each row.
    Arms(Arms<'a>),
    /// The dose of each row.
    Dose(&'a [f64]),
}

impl<'a> Treatment<'a> {
    /// The arms, if the treatment is no dose.
    pub fn arms(&self) -> Option<Arms<'a>> {
        match self {
            Treatment::Arms(arms) => Some(*arms),
            Treatment::Dose(_) => None,
        }
    }

    /// Number of effects a row has, K: one for each arm but control, or that of one unit more of the dose.
    pub fn effects(&self) -> usize {
        self.arms().map_or(1, |arms| arms.count.saturating_sub(1).max(1))
    }
}

/// A sample of several arms and outcomes (n × m).
pub type ArmSample<'a> = Sample<'a, Arms<'a>, ArrayView2<'a, f64>>;

/// A sample whose covariates a forest reads, with missing values.
pub type ForestSample<'a, D> = Sample<'a, D, &'a [f64], Covariates>;

impl Arms<'_> {
    /// Checks that every row has one of the arms.
    pub(crate) fn check(&self, rows: usize) -> Result<(), ArgumentError> {
        let n_arms = self.count;
        if n_arms < 2 {
            return Err(ArgumentError::Parameter {
                name: "arms",
                range: "at least 2, control included",
            });
        }
        check_length("arms", self.of_row.len(), rows)?;
        match self.of_row.iter().position(|a| *a >= n_arms) {
            Some(row) => Err(ArgumentError::UnknownArm {
                row,
                arm: self.of_row[row],
                n_arms,
            }),
            None => Ok(()),
        }
    }
}

impl<'a, D, Y, X> Sample<'a, D, Y, X> {
    /// The same rows with the treatment and the outcome in another form.
    pub fn with<E, Z>(&self, d: E, y: Z) -> Sample<'a, E, Z, X> {
        Sample {
            y,
            d,
            z: self.z,
            x: self.x,
            weight: self.weight,
            unit: self.unit,
            cluster: self.cluster,
        }
    }

    /// The instrument, where the estimator needs one.
    pub(crate) fn instrument(&self) -> Result<&'a [f64], ArgumentError> {
        self.z.ok_or(ArgumentError::Missing { what: "instrument" })
    }

    /// Checks units and weights against a number of rows; gives the weights.
    pub(crate) fn check_weights(&self, rows: usize) -> Result<Vec<f64>, ArgumentError> {
        check_length("units", self.unit.len(), rows)?;
        check_weights(self.weight, rows)
    }
}

/// The rows that cross-fitting reads.
#[derive(Clone, Copy)]
pub(crate) struct CheckedRows<'a> {
    pub(crate) x: &'a Design,
    /// Whose rows they are, for learners that cut them inside; where absent these cut by position.
    pub(crate) unit: Option<&'a [Unit]>,
    pub(crate) w: &'a [f64],
}

/// The parts of a sample that every estimate keeps.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) weights: Vec<f64>,
    pub(crate) clusters: Clusters,
    pub(crate) second: Option<Clusters>,
}

impl<'a, D, Y> Sample<'a, D, Y> {
    /// Checks lengths and weights.
    pub(crate) fn check(&self) -> Result<Checked, ArgumentError> {
        let rows = self.x.n();
        let weights = self.check_weights(rows)?;
        if let Some(second) = self.cluster {
            check_length("clusters", second.len(), rows)?;
        }
        Ok(Checked {
            weights,
            clusters: Clusters::by_unit(self.unit),
            second: self.cluster.map(Clusters::by_unit),
        })
    }

    /// These rows with the weights in use.
    pub(crate) fn rows(&self, w: &'a [f64]) -> CheckedRows<'a> {
        CheckedRows {
            x: self.x,
            unit: Some(self.unit),
            w,
        }
    }
}
