//! Independences a graph implies and data can test: for each pair of nodes that some set separates, one such set.
//! Verma constraints are not listed.

use super::budget::Budget;
use super::separators::{Listing, Separation};
use crate::graph::{Graph, NodeId, NodeSet};

/// Two nodes and a minimal set that separates them.
pub(super) type Implied = (NodeId, NodeId, NodeSet);

/// The implied independences among `observed`, at most `limit`.
pub(super) fn list(graph: &Graph, observed: &NodeSet, limit: usize, budget: &mut Budget) -> Listing<Implied> {
    let mut found = Vec::new();
    for a in observed.iter() {
        for b in observed.iter().filter(|&b| b > a) {
            let (x, y, include) = (NodeSet::one(a), NodeSet::one(b), NodeSet::new());
            let separation = Separation {
                view: graph.view(),
                x: &x,
                y: &y,
                include: &include,
                allowed: observed,
            };
            let Ok(exists) = separation.any(budget) else {
                return Listing {
                    found,
                    complete: false,
                };
            };
            if exists.is_none() {
                continue;
            }
            if found.len() == limit {
                return Listing {
                    found,
                    complete: false,
                };
            }
            match separation.list(1, budget).found.pop() {
                Some(given) => found.push((a, b, given)),
                None => {
                    return Listing {
                        found,
                        complete: false,
                    };
                }
            }
        }
    }
    Listing {
        found,
        complete: true,
    }
}
