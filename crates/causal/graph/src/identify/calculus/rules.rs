//! The three rules as conditions on a graph.

use super::Rule;
use crate::graph::{Graph, NodeSet};
use crate::identify::expression::listed;

/// A change of one term P(y | do(x), z): what moves, and what stays around it.
#[derive(Debug, Clone)]
pub(super) struct Move<'a> {
    pub(super) rule: Rule,
    pub(super) y: &'a NodeSet,
    /// Acted on before and after.
    pub(super) actions: &'a NodeSet,
    /// Observed before and after.
    pub(super) given: &'a NodeSet,
    /// Inserted, deleted or exchanged.
    pub(super) moved: &'a NodeSet,
}

impl Move<'_> {
    /// Whether the rule's independence holds in the graph it asks about. Laws of probability are no rules of these.
    pub(super) fn holds(&self, graph: &Graph) -> bool {
        let view = graph.view().without_into(self.actions);
        let known = self.actions.union(self.given);
        let view = match self.rule {
            Rule::Observations => view,
            Rule::Exchange => view.without_out_of(self.moved),
            Rule::Actions => {
                let above = view.ancestors(self.given);
                view.without_into(&self.moved.difference(&above))
            }
            Rule::Marginal | Rule::Chain | Rule::Conditional => return false,
        };
        view.m_separated(self.moved, self.y, &known)
    }

    /// The condition in words.
    pub(super) fn because(&self, graph: &Graph) -> String {
        let names = |set: &NodeSet| listed(&graph.names(set));
        let known = self.actions.union(self.given);
        let cut = |words: &str, set: &NodeSet| {
            if set.is_empty() {
                String::new()
            } else {
                format!(" without arrows {words} {}", names(set))
            }
        };
        let into = cut("into", self.actions);
        let (number, seen) = match self.rule {
            Rule::Observations => (1, into),
            Rule::Exchange => (2, format!("{into}{}", cut("out of", self.moved))),
            _ => {
                let above = graph.view().without_into(self.actions).ancestors(self.given);
                let all = self.actions.union(&self.moved.difference(&above));
                (3, cut("into", &all))
            }
        };
        let given = if known.is_empty() {
            String::new()
        } else {
            format!(" given {}", names(&known))
        };
        format!(
            "rule {number}: {} is independent of {}{given} in the graph{seen}",
            names(self.y),
            names(self.moved)
        )
    }
}
