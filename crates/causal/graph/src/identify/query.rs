//! What is asked of a graph: the effect, the strategies allowed, the nodes allowed, and the budget.

use crate::graph::Clock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Steps a query may take unless it says otherwise: well under a second.
pub const STEPS_MAX_DEFAULT: u64 = 20_000_000;

/// How to identify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The first that works of: back door, front door, general identification, instrument.
    #[default]
    Auto,
    /// Adjustment sets only.
    Backdoor,
    /// Front-door sets only.
    Frontdoor,
    /// Instruments only.
    Iv,
    /// The ID and IDC algorithms.
    Id,
}

impl Strategy {
    /// The strategy of this name (`auto`, `backdoor`, `frontdoor`, `iv`, `id`), or `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "auto" => Self::Auto,
            "backdoor" => Self::Backdoor,
            "frontdoor" => Self::Frontdoor,
            "iv" => Self::Iv,
            "id" => Self::Id,
            _ => return None,
        })
    }
}

fn steps_max_default() -> u64 {
    STEPS_MAX_DEFAULT
}

fn sets_max_default() -> usize {
    100
}

/// A question: P(outcomes | do(treatments), given).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What is set.
    pub treatments: Vec<String>,
    /// What is asked about.
    pub outcomes: Vec<String>,
    /// What is conditioned on, for a conditional effect.
    #[serde(default)]
    pub given: Vec<String>,
    /// How to identify.
    #[serde(default)]
    pub strategy: Strategy,
    /// Treat every node without `measured_by` as latent, treatments and outcomes excepted.
    #[serde(default)]
    pub measured_only: bool,
    /// Nodes that no adjustment set, front-door condition or instrument may hold. Mediators of a front door and
    /// the general estimand may use them.
    #[serde(default)]
    pub forbidden: Vec<String>,
    /// Nodes that every adjustment set must hold.
    #[serde(default)]
    pub required: Vec<String>,
    /// What it costs to adjust for a node, in any unit; a node not named costs 1. With any, the cheapest set is named.
    #[serde(default)]
    pub costs: BTreeMap<String, u64>,
    /// The same as `forbidden` for every node with such a clock ([`crate::graph::Node::when`]).
    #[serde(default)]
    pub forbidden_clocks: Vec<Clock>,
    /// Steps all searches may take together; what they do not settle is answered as unknown.
    #[serde(default = "steps_max_default")]
    pub steps_max: u64,
    /// Adjustment sets, front doors or implications listed at most, each.
    #[serde(default = "sets_max_default")]
    pub sets_max: usize,
    /// Only decide: leave out instruments, implications and other lists that the strategy does not need.
    #[serde(default)]
    pub brief: bool,
}

impl Query {
    /// P(outcome | do(treatment)) in any way, with the default budget.
    #[must_use]
    pub fn new(treatment: impl Into<String>, outcome: impl Into<String>) -> Self {
        Self::of([treatment], [outcome])
    }

    /// P(outcomes | do(treatments)) in any way, with the default budget.
    #[must_use]
    pub fn of<T: Into<String>, O: Into<String>>(
        treatments: impl IntoIterator<Item = T>,
        outcomes: impl IntoIterator<Item = O>,
    ) -> Self {
        Self {
            treatments: treatments.into_iter().map(Into::into).collect(),
            outcomes: outcomes.into_iter().map(Into::into).collect(),
            given: Vec::new(),
            strategy: Strategy::Auto,
            measured_only: false,
            forbidden: Vec::new(),
            required: Vec::new(),
            costs: BTreeMap::new(),
            forbidden_clocks: Vec::new(),
            steps_max: steps_max_default(),
            sets_max: sets_max_default(),
            brief: false,
        }
    }

    /// The same question by this strategy.
    #[must_use]
    pub fn by(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// The same question, answered without the lists that do not decide it.
    #[must_use]
    pub fn brief(mut self) -> Self {
        self.brief = true;
        self
    }

    /// The same question given these nodes too.
    #[must_use]
    pub fn given<S: Into<String>>(mut self, nodes: impl IntoIterator<Item = S>) -> Self {
        self.given.extend(nodes.into_iter().map(Into::into));
        self
    }
}

/// One thing wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// No treatment or no outcome is named.
    #[error("no {0} is named")]
    Missing(&'static str),
    /// A name the graph does not know.
    #[error("{part} {node} is not a node of the graph")]
    Unknown {
        /// Where it was named.
        part: &'static str,
        /// The name.
        node: String,
    },
    /// More than one treatment or outcome where one is meant.
    #[error("{0} is of one treatment on one outcome")]
    Single(&'static str),
    /// A node the sample was selected on, which has but one value in it.
    #[error("{part} {node} is a selection node: the sample holds only its selected value")]
    Selected {
        /// Where it was named.
        part: &'static str,
        /// The node.
        node: String,
    },
    /// A node in two parts of the query.
    #[error("{node} is both {first} and {second}")]
    Twice {
        /// The node.
        node: String,
        /// One part.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A node named more than once in one part.
    #[error("{part} {node} is named more than once")]
    Repeated {
        /// Where it was named.
        part: &'static str,
        /// The node.
        node: String,
    },
    /// A node that every set must hold and none may.
    #[error("{0} is both required and forbidden")]
    Contradictory(String),
    /// A treatment, outcome or condition that nothing observes.
    #[error("{part} {node} is latent")]
    Latent {
        /// Where it was named.
        part: &'static str,
        /// The node.
        node: String,
    },
}

/// The query does not fit the graph; all faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct IdentifyError {
    /// At least one.
    pub faults: Vec<QueryFault>,
}
