//! What is known of a dataset besides its rows.

use std::collections::BTreeMap;

use ceteris_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Lies beside the rows and is written after them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetCard {
    /// The problem.
    pub problem: String,
    /// SHA-256 of the problem's text.
    pub problem_digest: String,
    /// Names the rows.
    pub digest: String,
    /// How many there are.
    pub rows: u64,
    /// The instant up to which they know the world.
    pub as_of: Timestamp,
    /// Drew the controls, and draws the folds.
    pub seed: u64,
    /// The request that asked for it first.
    pub request_id: String,
    /// Versions of the lake's tables.
    pub lake_versions: BTreeMap<String, u64>,
    /// What was seen while it was made.
    pub report: serde_json::Value,
}
