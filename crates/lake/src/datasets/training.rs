//! What became of a dataset.

use serde::{Deserialize, Serialize};

/// The end of a dataset's way, told by its own keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Training {
    /// A model.
    Trained {
        /// Its version in the registry.
        version: String,
        /// Whether it was put into production.
        promoted: bool,
        /// The gates it did not pass, in words.
        failed_gates: Vec<String>,
    },
    /// No model, and why.
    Failed {
        /// In words.
        error: String,
    },
    /// Not trained: a newer dataset's model is in production already.
    Superseded {
        /// The digest of the newer dataset.
        superseded_by: String,
    },
}
