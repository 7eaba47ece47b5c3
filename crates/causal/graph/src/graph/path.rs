//! A path between two nodes that stays open given a set: what a refusal shows as its witness.

use serde::{Deserialize, Serialize};

/// An m-connecting path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPath {
    /// The nodes from one end to the other.
    pub nodes: Vec<String>,
    /// The same with its arrows, as `ad <- intent -> purchase`.
    pub text: String,
    /// What was conditioned on while the path was open.
    pub given: Vec<String>,
}

impl std::fmt::Display for OpenPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = if self.given.is_empty() {
            "nothing".to_owned()
        } else {
            self.given.join(", ")
        };
        write!(f, "{} is open given {given}", self.text)
    }
}
