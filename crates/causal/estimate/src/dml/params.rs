//! Parameters of cross-fitting, checked before anything is learned.

use ceteris_stats::hash;
use serde::{Deserialize, Serialize};

use super::DmlError;
use crate::argument::ArgumentError;
use crate::crossfit::{CrossFitError, CrossFitted, Plan};
use crate::progress::{Counter, Watch};
use crate::sample::{CheckedRows, Folds, Sample};

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
    /// `k` × `k` folds of whole units crossed with whole clusters of the sample's second way: nuisances are learned on
    /// rows that share neither with the rows held out (Chiang, Kato, Ma and Sasaki 2022).
    ByTwoWays {
        /// Folds in each way.
        k: usize,
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
    /// [`ArgumentError::Parameter`] naming the first one outside its range.
    pub fn check(self) -> Result<ValidDmlParams, ArgumentError> {
        let bad = |name, range| Err(ArgumentError::Parameter { name, range });
        if matches!(
            self.folds,
            FoldPlan::ByUnit { k: 0 | 1 } | FoldPlan::ByTwoWays { k: 0 | 1 }
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

    /// One partition of a sample's rows for each repeat; `strata` may be empty.
    pub(super) fn cut<D, Y>(
        &self,
        sample: &Sample<'_, D, Y>,
        strata: &[usize],
    ) -> Result<Vec<Folds>, DmlError> {
        let unit = sample.unit;
        let cut = |r: usize| -> Result<Folds, DmlError> {
            let folds = match &self.0.folds {
                FoldPlan::Given(labels) => Folds::given(labels, unit),
                FoldPlan::ByUnit { k } => Folds::by_unit(unit, strata, *k, self.repeat_seed(r)),
                FoldPlan::ByTwoWays { k } => {
                    let missing = ArgumentError::Missing {
                        what: "second way of clustering",
                    };
                    let second = sample.cluster.ok_or(missing)?;
                    Folds::by_two_ways(unit, second, *k, self.repeat_seed(r))
                }
            };
            Ok(folds.map_err(CrossFitError::from)?)
        };
        (0..self.0.repeats).map(cut).collect()
    }

    /// Learns the nuisances of a plan on the rows outside each fold.
    pub(super) fn cross_fit(
        &self,
        plan: &Plan<'_>,
        rows: &CheckedRows<'_>,
        folds: &[Folds],
        watch: Watch<'_>,
    ) -> Result<CrossFitted, CrossFitError> {
        self.cross_fit_from(0, plan, rows, folds, &Counter::new(watch, plan.fits(folds)))
    }

    /// The same in a second round, whose tasks are numbered from `first` on.
    pub(super) fn cross_fit_from(
        &self,
        first: usize,
        plan: &Plan<'_>,
        rows: &CheckedRows<'_>,
        folds: &[Folds],
        counter: &Counter<'_>,
    ) -> Result<CrossFitted, CrossFitError> {
        plan.run(rows, folds, |task| self.learner_seed(first + task), counter)
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
    fn learner_seed(&self, task: usize) -> u64 {
        hash(self.0.seed, &(task as u64).to_le_bytes(), LEARNER_SALT)
    }
}
