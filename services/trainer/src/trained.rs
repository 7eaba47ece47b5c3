//! How a model is trained, and the model that comes of it.

use std::collections::BTreeMap;

use ceteris_contract::arrays::Arrays;
use ceteris_contract::manifest::Manifest;
use ceteris_contract::time::Timestamp;

use crate::gate;

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// Seed of the folds.
    pub seed: u64,
    /// Number of folds, from 2.
    pub folds: u32,
    /// When the model is made.
    pub now: Timestamp,
    /// The dataset's `as_of`.
    pub as_of: Option<Timestamp>,
    /// Lake tables and versions the dataset was made from.
    pub lake_versions: BTreeMap<String, u64>,
}

/// A model, named by its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// What it is.
    pub manifest: Manifest,
    /// Its coefficients and their covariances.
    pub arrays: Arrays,
}

impl Trained {
    /// The gates that were not passed, in words; none: it may be promoted. Arms with too few rows are left out of the
    /// model, which is no reason not to serve the others.
    pub fn failed_gates(&self) -> Vec<String> {
        let gates = self.manifest.what.gates.iter();
        let gates = gates.filter(|(name, gate)| !gate.passed && !name.starts_with(gate::ROWS_PER_ARM));
        gates
            .map(|(name, gate)| format!("{name}: {} is beyond {}", gate.value, gate.bound))
            .collect()
    }
}
