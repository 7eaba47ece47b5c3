//! Verma constraints (Verma & Pearl 1990; Tian & Pearl 2002): a c-factor is a function of its district and the parents of
//! it alone, so an expression for it that names another node must not depend on that node. No independence among the
//! observed says so; they are listed, not tested.

use super::kernel::{Kernel, stray};
use crate::graph::{Graph, NodeSet};
use crate::identify::budget::{Budget, Spent};
use crate::identify::expression::Expr;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One expression in the observed distribution and the nodes it may not depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VermaConstraint {
    /// The district whose c-factor it is.
    pub district: Vec<String>,
    /// The c-factor in LaTeX.
    pub latex: String,
    /// The nodes that its value does not depend on, though it names them.
    pub independent_of: Vec<String>,
}

/// The Verma constraints of a graph, at most `limit`, and whether these are all. Latent nodes are projected away first.
/// Some of them may follow from the graph's independences.
///
/// ```
/// use ceteris_graph::{Graph, identify::verma_constraints};
/// let graph = Graph::parse("A -> B -> C -> D; B <-> D")?;
/// let (found, complete) = verma_constraints(&graph, 10, 100_000);
/// assert!(complete);
/// assert_eq!(found[0].independent_of, ["A"]);
/// assert_eq!(found[0].latex, r"\sum_{B} P(B \mid A)\, P(D \mid A, B, C)");
/// # Ok::<(), ceteris_graph::GraphError>(())
/// ```
#[must_use]
pub fn verma_constraints(graph: &Graph, limit: usize, steps_max: u64) -> (Vec<VermaConstraint>, bool) {
    let mut budget = Budget::new(steps_max);
    let Ok(graph) = budget.project(graph, &graph.all().difference(&graph.observed())) else {
        return (Vec::new(), false);
    };
    let view = graph.view();
    let order = view.topological_order();
    let mut search = Search {
        graph: &graph,
        limit,
        seen: BTreeSet::new(),
        found: Vec::new(),
        budget,
    };
    let complete = view
        .districts()
        .into_iter()
        .try_for_each(|district| search.below(&Kernel::of_district(&view, &order, &district)))
        .is_ok();
    (search.found, complete)
}

struct Search<'g> {
    graph: &'g Graph,
    limit: usize,
    seen: BTreeSet<NodeSet>,
    found: Vec<VermaConstraint>,
    budget: Budget,
}

impl Search<'_> {
    /// The c-factors within one: of the districts that are left when a node without children in it is summed out.
    fn below(&mut self, kernel: &Kernel) -> Result<(), Spent> {
        let view = self.graph.view().within(&kernel.nodes);
        for v in kernel.nodes.iter().filter(|&v| view.children(v).next().is_none()) {
            let ancestral = kernel.nodes.difference(&NodeSet::one(v));
            for district in view.clone().within(&ancestral).districts() {
                if !self.seen.insert(district.clone()) {
                    continue;
                }
                self.budget.spend(2 * district.len() * kernel.marginal_cost())?;
                let narrower = kernel.narrowed(&ancestral, &district);
                self.told(&narrower)?;
                self.below(&narrower)?;
            }
        }
        Ok(())
    }

    fn told(&mut self, kernel: &Kernel) -> Result<(), Spent> {
        let q = kernel.marginal(&kernel.nodes);
        let stray = stray(&self.graph.view(), &kernel.nodes, &q);
        // A product of conditional probabilities that names too much is an ordinary independence.
        if stray.is_empty() || plain(&q) {
            return Ok(());
        }
        if self.found.len() == self.limit {
            return Err(Spent);
        }
        self.found.push(VermaConstraint {
            district: self.graph.names(&kernel.nodes),
            latex: q.named(self.graph, &NodeSet::new()).latex(),
            independent_of: self.graph.names(&stray),
        });
        Ok(())
    }
}

fn plain(expr: &Expr) -> bool {
    match expr {
        Expr::P { .. } => true,
        Expr::Product(factors) => factors.iter().all(plain),
        Expr::Sum { .. } | Expr::Ratio { .. } => false,
    }
}
