//! Parameters of a forest, checked before anything is grown.

use serde::{Deserialize, Serialize};

use crate::argument::ArgumentError;

/// Parameters of a forest.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `trees` | 2000 | trees, a multiple of `bag` |
/// | `bag` | 2 | trees that share one half-sample: the little bags behind the variance |
/// | `sample_fraction` | 0.5 | share of the units that one tree sees, at most 0.5 |
/// | `honesty_fraction` | 0.5 | share of a tree's units that choose its splits; the others fill its leaves |
/// | `mtry` | p | mean number of features tried at a split (a Poisson draw, at least one) |
/// | `min_node` | 3 | treated and untreated rows (or rows of low and of high dose) that each side of a split keeps, where the sample has as many of either; else by their shares |
/// | `alpha` | 0.05 | share of a node's treatment variation that each side keeps |
/// | `imbalance_penalty` | 0 | times 1/variation left + 1/variation right, taken off a split's gain |
/// | `seed` | 0 | the only randomness |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestParams {
    /// Number of trees.
    pub trees: usize,
    /// Trees of one half-sample.
    pub bag: usize,
    /// Share of the units that one tree sees.
    pub sample_fraction: f64,
    /// Share of those that choose the splits.
    pub honesty_fraction: f64,
    /// Mean number of features tried at a split; absent for all of them.
    pub mtry: Option<usize>,
    /// Least rows of either treatment side in a child, where either has half of the sample; else twice as many are parted
    /// as the sample is, with one row of either side at least.
    pub min_node: usize,
    /// Least share of the node's treatment variation in a child.
    pub alpha: f64,
    /// Penalty on uneven splits.
    pub imbalance_penalty: f64,
    /// The seed.
    pub seed: u64,
}

impl Default for ForestParams {
    fn default() -> Self {
        ForestParams {
            trees: 2000,
            bag: 2,
            sample_fraction: 0.5,
            honesty_fraction: 0.5,
            mtry: None,
            min_node: 3,
            alpha: 0.05,
            imbalance_penalty: 0.0,
            seed: 0,
        }
    }
}

/// Checked [`ForestParams`].
#[derive(Clone, Debug, PartialEq)]
pub struct ValidForestParams(ForestParams);

impl ForestParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ArgumentError::Parameter`] naming the first one outside its range.
    pub fn check(self) -> Result<ValidForestParams, ArgumentError> {
        let bad = |name, range| Err(ArgumentError::Parameter { name, range });
        if self.bag < 2 {
            return bad("bag", "at least 2, for the variance is that between bags");
        }
        if self.trees < 2 * self.bag || !self.trees.is_multiple_of(self.bag) {
            return bad("trees", "a multiple of the bag, of two bags or more");
        }
        if !(self.sample_fraction > 0.0 && self.sample_fraction <= 0.5) {
            return bad("sample_fraction", "above 0 and at most 0.5");
        }
        if !(self.honesty_fraction > 0.0 && self.honesty_fraction < 1.0) {
            return bad("honesty_fraction", "above 0 and below 1");
        }
        if self.mtry == Some(0) {
            return bad("mtry", "at least 1");
        }
        if self.min_node == 0 {
            return bad("min_node", "at least 1");
        }
        if !(0.0..0.25).contains(&self.alpha) {
            return bad("alpha", "in [0, 0.25)");
        }
        if !(self.imbalance_penalty >= 0.0 && self.imbalance_penalty.is_finite()) {
            return bad("imbalance_penalty", "zero or more");
        }
        Ok(ValidForestParams(self))
    }
}

impl ValidForestParams {
    /// The parameters.
    pub fn get(&self) -> &ForestParams {
        &self.0
    }

    /// Mean number of features tried at a split, of `p`.
    pub(super) fn mtry(&self, p: usize) -> usize {
        self.0.mtry.unwrap_or(p).min(p)
    }
}
