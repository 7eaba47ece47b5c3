//! A node of a causal graph: its name, its role in the problem, what measures it and when. Edges are elsewhere.

use petgraph::graph::NodeIndex;
use serde::{Deserialize, Serialize};

/// The position of a node in its own graph; meaningless in another graph, a projection of it included.
pub type NodeId = NodeIndex<u32>;

/// What a node is to the decision problem. Identification reads edges only; roles guide people and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What may be intervened on.
    Treatment,
    /// What is to change.
    Outcome,
    /// A common cause of a treatment and an outcome.
    Confounder,
    /// Carries an effect from a treatment to an outcome.
    Mediator,
    /// Moves a treatment and reaches the outcome only through it.
    Instrument,
    /// Changes the size of an effect.
    EffectModifier,
}

impl Role {
    /// The role of this name (`effect_modifier`, ..), or `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "treatment" | "exposure" => Self::Treatment,
            "outcome" => Self::Outcome,
            "confounder" => Self::Confounder,
            "mediator" => Self::Mediator,
            "instrument" => Self::Instrument,
            "effect_modifier" | "modifier" => Self::EffectModifier,
            _ => return None,
        })
    }

    /// Its name, as [`Role::parse`] takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::Outcome => "outcome",
            Self::Confounder => "confounder",
            Self::Mediator => "mediator",
            Self::Instrument => "instrument",
            Self::EffectModifier => "effect_modifier",
        }
    }
}

/// When a node takes its value, relative to the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Known before the decision.
    Before,
    /// After the decision, before the outcome.
    Mediator,
    /// In or after the outcome window.
    Outcome,
}

impl Clock {
    /// The clock of this name (`before`, `mediator`, `outcome`), or `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "before" => Self::Before,
            "mediator" => Self::Mediator,
            "outcome" => Self::Outcome,
            _ => return None,
        })
    }

    /// Its name, as [`Clock::parse`] takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Mediator => "mediator",
            Self::Outcome => "outcome",
        }
    }
}

/// One variable of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in its graph; not empty, without primes (estimands write bound copies with them).
    pub name: String,
    /// Role, where the author gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What the variable means, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The columns that measure it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured_by: Vec<String>,
    /// When it takes its value, where the author said so; see [`Node::when`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Whether nothing can observe it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub latent: bool,
    /// Whether only units with a value of it are in the data at all: a selection node, conditioned on by the sample.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub selected: bool,
}

impl Node {
    /// An observed node of this name, with nothing else said.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            role: None,
            description: String::new(),
            measured_by: Vec::new(),
            clock: None,
            latent: false,
            selected: false,
        }
    }

    /// The same node, latent.
    #[must_use]
    pub fn latent(mut self) -> Self {
        self.latent = true;
        self
    }

    /// The same node, as what the sample was selected on.
    #[must_use]
    pub fn selected(mut self) -> Self {
        self.selected = true;
        self
    }

    /// The same node with this role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The same node with this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The same node with this description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The same node measured by one more column.
    #[must_use]
    pub fn measured_by(mut self, column: impl Into<String>) -> Self {
        self.measured_by.push(column.into());
        self
    }

    /// When the node takes its value: the declared clock, else what its role implies, else before the decision.
    /// A treatment without a clock has none: it happens at the decision itself.
    #[must_use]
    pub fn when(&self) -> Option<Clock> {
        self.clock.or(match self.role {
            Some(Role::Treatment) => None,
            Some(Role::Outcome) => Some(Clock::Outcome),
            Some(Role::Mediator) => Some(Clock::Mediator),
            _ => Some(Clock::Before),
        })
    }
}
