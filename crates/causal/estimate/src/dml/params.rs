//! Parameters of cross-fitting and the rows it reads, both checked before anything is learned.

use ceteris_stats::Clusters;
use ceteris_stats::{Unit, hash};
use serde::{Deserialize, Serialize};

use super::DmlError;
use super::crossfit::Sample;
use crate::learner::Design;
use crate::sample::Folds;

/// Salt of the seeds that learners get.
const LEARNER_SALT: u64 = 0x006c_6561_726e;

/// Where folds come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldPlan {
    /// `k` folds of whole units by hash(seed, unit), balanced within arms where the treatment is discrete.
    ByUnit {
        /// Number of folds.
        k: usize,
    },
    /// The labels of a column, one a row.
    Given(Vec<u32>),
    /// `k` × `k` folds of whole units crossed with whole clusters of a second way (one label a row): nuisances are
    /// learned on rows that share neither with the rows held out (Chiang, Kato, Ma and Sasaki 2022).
    ByTwoWays {
        /// Folds in each way.
        k: usize,
        /// The second way's cluster of each row.
        second: Vec<Unit>,
    },
}

/// Parameters of cross-fitting.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `folds` | 5 by unit | how the sample is cut |
/// | `repeats` | 1 | independent cuttings; estimates are their median |
/// | `seed` | 0 | folds and learners draw from it, and nothing else does |
/// | `clip` | 0.01 | estimated propensities below it are raised to it, and counted |
/// | `trim` | none | rows with a propensity below it are left out of scores and averages, and counted |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DmlParams {
    /// How the sample is cut.
    pub folds: FoldPlan,
    /// Number of cuttings.
    pub repeats: usize,
    /// The seed.
    pub seed: u64,
    /// The least estimated propensity.
    pub clip: f64,
    /// Rows whose least estimated propensity is below it leave the population that is averaged over.
    pub trim: Option<f64>,
}

impl Default for DmlParams {
    fn default() -> Self {
        DmlParams {
            folds: FoldPlan::ByUnit { k: 5 },
            repeats: 1,
            seed: 0,
            clip: 0.01,
            trim: None,
        }
    }
}

/// Checked [`DmlParams`].
#[derive(Clone, Debug, PartialEq)]
pub struct ValidDmlParams(DmlParams);

impl DmlParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`DmlError::Parameter`] naming the first one outside its range.
    pub fn check(self) -> Result<ValidDmlParams, DmlError> {
        let bad = |name, range| Err(DmlError::Parameter { name, range });
        if matches!(
            self.folds,
            FoldPlan::ByUnit { k: 0 | 1 } | FoldPlan::ByTwoWays { k: 0 | 1, .. }
        ) {
            return bad("folds", "at least 2");
        }
        if self.repeats == 0 {
            return bad("repeats", "at least 1");
        }
        if self.repeats > 1 && matches!(self.folds, FoldPlan::Given(_)) {
            return bad("repeats", "1 where the folds are given");
        }
        if !(0.0..0.5).contains(&self.clip) {
            return bad("clip", "in [0, 0.5)");
        }
        if self.trim.is_some_and(|trim| !(0.0..0.5).contains(&trim)) {
            return bad("trim", "in [0, 0.5)");
        }
        Ok(ValidDmlParams(self))
    }
}

impl ValidDmlParams {
    /// The parameters.
    pub fn get(&self) -> &DmlParams {
        &self.0
    }

    /// One partition for each repeat; `strata` may be empty.
    pub(super) fn cut(&self, units: &[Unit], strata: &[usize]) -> Result<Vec<Folds>, DmlError> {
        (0..self.0.repeats)
            .map(|r| match &self.0.folds {
                FoldPlan::Given(labels) => Folds::given(labels, units),
                FoldPlan::ByUnit { k } => Folds::by_unit(units, strata, *k, self.repeat_seed(r)),
                FoldPlan::ByTwoWays { k, second } => {
                    Folds::by_two_ways(units, second, *k, self.repeat_seed(r))
                }
            })
            .map(|folds| folds.map_err(DmlError::from))
            .collect()
    }

    /// The first repeat cuts by the seed itself, so that one repeat and the first of many are the same.
    fn repeat_seed(&self, repeat: usize) -> u64 {
        if repeat == 0 {
            self.0.seed
        } else {
            hash(self.0.seed, &(repeat as u64).to_le_bytes(), 0)
        }
    }

    /// The seed of one learner's fit.
    pub(super) fn learner_seed(&self, task: usize) -> u64 {
        hash(self.0.seed, &(task as u64).to_le_bytes(), LEARNER_SALT)
    }
}

/// The rows a recipe reads: covariates, whose rows they are, and their weights.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Covariates, n × p.
    pub x: &'a Design,
    /// The unit of each row.
    pub units: &'a [Unit],
    /// Sampling weights, the inverse of the probability with which a row was drawn; absent means all equal.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Rows<'a> {
    /// These rows with the weights in use.
    pub(super) fn sample(&self, w: &'a [f64]) -> Sample<'a> {
        Sample {
            x: self.x,
            units: self.units,
            w,
        }
    }

    /// Checks an outcome and a binary treatment of these rows; gives the arms.
    pub(crate) fn check_binary_sample(&self, y: &[f64], d: &[f64]) -> Result<Vec<usize>, DmlError> {
        self.check()?;
        check_values(&[("outcome", y), ("treatment", d)], self.x.n())?;
        check_binary("treatment", d)
    }

    /// Whether some unit has several rows.
    pub(crate) fn repeat_units(&self) -> bool {
        Clusters::by_unit(self.units).count() < self.units.len()
    }

    /// Checks lengths and weights; gives the weights and the clusters.
    pub(super) fn check(&self) -> Result<(Vec<f64>, Clusters), DmlError> {
        let rows = self.x.n();
        if self.units.len() != rows {
            return Err(DmlError::Length {
                what: "units",
                found: self.units.len(),
                rows,
            });
        }
        let weights = self.weights.map_or_else(|| vec![1.0; rows], <[f64]>::to_vec);
        check_length("weights", weights.len(), rows)?;
        if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            return Err(DmlError::Value { what: "weights", row });
        }
        Ok((weights, Clusters::by_unit(self.units)))
    }
}

pub(super) fn check_length(what: &'static str, found: usize, rows: usize) -> Result<(), DmlError> {
    if found == rows {
        Ok(())
    } else {
        Err(DmlError::Length { what, found, rows })
    }
}

pub(super) fn check_finite<'v>(
    what: &'static str,
    values: impl IntoIterator<Item = &'v f64>,
) -> Result<(), DmlError> {
    values
        .into_iter()
        .position(|v| !v.is_finite())
        .map_or(Ok(()), |row| Err(DmlError::Value { what, row }))
}

/// Checks that named values have one finite number a row.
pub(super) fn check_values(named: &[(&'static str, &[f64])], rows: usize) -> Result<(), DmlError> {
    for &(what, values) in named {
        check_length(what, values.len(), rows)?;
        check_finite(what, values)?;
    }
    Ok(())
}

/// Zeros and ones as classes.
pub(super) fn check_binary(what: &'static str, values: &[f64]) -> Result<Vec<usize>, DmlError> {
    match values.iter().position(|v| *v != 0.0 && *v != 1.0) {
        Some(row) => Err(DmlError::NotBinary { what, row }),
        None => Ok(values.iter().map(|v| usize::from(*v == 1.0)).collect()),
    }
}
