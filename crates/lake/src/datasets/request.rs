//! Asking for a dataset, what fixes the answer, and the answer.

use std::collections::BTreeMap;

use ceteris_contract::identity::hex;
use ceteris_contract::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRequest {
    /// The problem.
    pub problem: String,
    /// The instant up to which the world is to be known.
    pub as_of: Timestamp,
    /// Draws the controls, and later the folds.
    pub seed: u64,
    /// In words, for people.
    pub reason: String,
}

impl DatasetRequest {
    /// 32 hex digits that follow from the content.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for text in [&self.problem, &self.reason] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(self.as_of.0.to_le_bytes());
        hash.update(self.seed.to_le_bytes());
        hex(&hash.finalize())[..32].to_owned()
    }
}

/// A request that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The problem in whose folder it lies.
    pub problem: String,
    /// Its id.
    pub id: String,
    /// What it asks for; or what is wrong with it, in words: people put requests there too.
    pub request: Result<DatasetRequest, String>,
}

impl Pending {
    /// Those that cannot be read first, as they cost nothing; then by `as_of`.
    pub(super) fn order(&self) -> (Option<Timestamp>, String, String) {
        let as_of = self.request.as_ref().ok().map(|request| request.as_of);
        (as_of, self.problem.clone(), self.id.clone())
    }
}

/// What answers a request. The lake grows and the problem may change while the work is done, or done again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// SHA-256 of the problem's text.
    pub problem_digest: String,
    /// Versions of the lake's tables.
    pub lake_versions: BTreeMap<String, u64>,
    /// Up to when all events are in those versions.
    pub watermark: Timestamp,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The dataset with this digest.
    Dataset(String),
    /// No dataset, and why.
    Failed(String),
}

/// An answer, when it was given, and what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// As it was asked; none where that could not be read.
    pub request: Option<DatasetRequest>,
    /// By the worker's clock.
    pub at: Timestamp,
    /// The answer.
    pub answer: Answer,
}
