//! Independences a graph implies and data can test: for each pair of nodes that some set separates, one
//! minimal such set. What a sample was selected on is conditioned on in all of them. Verma constraints are not listed.

use super::separators::{Listing, Separation};
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::Independence;
use crate::identify::budget::Budget;

/// Two nodes and a minimal set that separates them, which holds none of the nodes conditioned on anyway.
pub(crate) struct Implied {
    left: NodeId,
    right: NodeId,
    given: NodeSet,
}

impl Implied {
    /// The independence with the names of its nodes.
    pub(crate) fn named(&self, graph: &Graph) -> Independence {
        Independence {
            left: graph.node(self.left).name.clone(),
            right: graph.node(self.right).name.clone(),
            given: graph.names(&self.given),
        }
    }
}

/// The implied independences among `observed`, at most `limit`.
pub(crate) fn list(
    graph: &Graph,
    observed: &NodeSet,
    selected: &NodeSet,
    limit: usize,
    budget: &mut Budget,
) -> Listing<Implied> {
    let mut found = Vec::new();
    for a in observed.iter() {
        for b in observed.iter().filter(|&b| b > a) {
            let (x, y) = (NodeSet::one(a), NodeSet::one(b));
            let separation = Separation {
                view: graph.view(),
                x: &x,
                y: &y,
                include: selected,
                allowed: observed,
            };
            let Ok(separator) = separation.minimal(budget) else {
                return Listing {
                    found,
                    complete: false,
                };
            };
            let Some(given) = separator else { continue };
            if found.len() == limit {
                return Listing {
                    found,
                    complete: false,
                };
            }
            found.push(Implied {
                left: a,
                right: b,
                given,
            });
        }
    }
    Listing {
        found,
        complete: true,
    }
}
