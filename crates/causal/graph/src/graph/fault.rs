//! What can be wrong with a graph or its text, each with its line; a graph is refused with all of them at once.

use std::fmt;

/// One thing wrong with a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The text does not follow its own grammar.
    #[error("{0}")]
    Syntax(String),
    /// A node name is empty or holds a prime.
    #[error("node name {0:?} must not be empty or hold a prime (')")]
    BadName(String),
    /// A node is declared twice.
    #[error("node {0} is declared twice")]
    DuplicateNode(String),
    /// An edge names a node that is not declared.
    #[error("edge {edge} names unknown node {node}")]
    UnknownNode {
        /// The missing node.
        node: String,
        /// The edge, as text.
        edge: String,
    },
    /// An edge occurs twice.
    #[error("edge {0} occurs twice")]
    DuplicateEdge(String),
    /// An edge joins a node to itself.
    #[error("edge {0} joins a node to itself")]
    SelfLoop(String),
    /// Directed edges run in a circle.
    #[error("edge {edge} closes the cycle {cycle}")]
    Cycle {
        /// The last declared edge of the cycle.
        edge: String,
        /// The whole cycle, as text.
        cycle: String,
    },
}

/// One fault and the line of the text it was read from, when it was read from a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line in the text, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

/// A graph was refused; all its faults, in the order of their lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", told(&self.faults))]
pub struct GraphError {
    /// At least one.
    pub faults: Vec<Fault>,
}

/// Faults told in full; a file of another kind may have one in each line.
const FAULTS_TOLD: usize = 20;

fn told(faults: &[Fault]) -> String {
    let mut parts: Vec<String> = faults.iter().take(FAULTS_TOLD).map(ToString::to_string).collect();
    if let Some(more) = faults.len().checked_sub(FAULTS_TOLD).filter(|&more| more > 0) {
        parts.push(format!("and {more} more faults"));
    }
    parts.join("; ")
}

impl GraphError {
    pub(super) fn syntax(line: usize, message: impl Into<String>) -> Self {
        Self {
            faults: vec![Fault {
                line: Some(line),
                kind: FaultKind::Syntax(message.into()),
            }],
        }
    }
}
