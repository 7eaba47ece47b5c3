//! do-calculus (Pearl 1995): derivations as lists of steps that can be printed and checked again one by one. [`derive()`]
//! writes one for every identifiable query; [`Derivation::verify`] knows nothing of how it was found.

mod build;
mod derive;
mod formula;
mod rules;
mod verify;

pub use derive::{DeriveError, derive};
pub use formula::Formula;
pub use verify::VerifyError;

use serde::{Deserialize, Serialize};

/// What licenses a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Rule 1: observations inserted or deleted.
    Observations,
    /// Rule 2: actions exchanged for observations, or the other way.
    Exchange,
    /// Rule 3: actions inserted or deleted.
    Actions,
    /// The sum over more variables.
    Marginal,
    /// A joint probability as a product of conditional ones, or the other way.
    Chain,
    /// A conditional probability as a quotient.
    Conditional,
}

/// One step: the part of the formula at a place, and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where: which child to take, from the whole formula down.
    pub at: Vec<usize>,
    /// What licenses it.
    pub rule: Rule,
    /// What stood there.
    pub from: Formula,
    /// What stands there now.
    pub to: Formula,
    /// The condition on the graph, or the law of probability, in words.
    pub because: String,
}

/// A proof that a query equals a formula without actions, in every model of the graph.
///
/// A variable of the result that is neither in the query nor bound by a sum may take any value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// What is asked.
    pub query: Formula,
    /// From the query to the result.
    pub steps: Vec<Step>,
    /// What the last step leaves.
    pub result: Formula,
}

impl Derivation {
    /// The proof as text, one line a step.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.query.text()];
        let mut formula = self.query.clone();
        for step in &self.steps {
            // A step that does not fit is shown as it is; verification refuses it.
            formula = formula
                .replaced(&step.at, &step.to)
                .unwrap_or_else(|| step.to.clone());
            lines.push(format!("  = {}    [{}]", formula.text(), step.because));
        }
        lines.join("\n")
    }
}
