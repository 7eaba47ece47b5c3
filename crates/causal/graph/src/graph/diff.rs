//! What changed between two versions of a graph. Which estimands change with it is a question of identification.

use super::{Edge, Graph, GraphDigest, Node};
use serde::Serialize;
use std::collections::BTreeSet;

/// The changes from one graph to another, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GraphDiff {
    /// Digest of the older version.
    pub from: GraphDigest,
    /// Digest of the newer version.
    pub to: GraphDigest,
    /// Nodes only the newer version has.
    pub nodes_added: Vec<String>,
    /// Nodes only the older version has.
    pub nodes_removed: Vec<String>,
    /// Nodes of both of which something else is said: role, clock, columns, description, latency or selection.
    pub nodes_changed: Vec<NodeChange>,
    /// Edges only the newer version has.
    pub edges_added: Vec<Edge>,
    /// Edges only the older version has. A turned edge is one removed and one added.
    pub edges_removed: Vec<Edge>,
}

/// A node before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeChange {
    /// As the older version has it.
    pub before: Node,
    /// As the newer version has it.
    pub after: Node,
}

impl GraphDiff {
    /// Whether the versions are equal in content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }
}

impl Graph {
    /// The changes from this graph to a newer one.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> GraphDiff {
        let missing = |from: &Self, in_: &Self| -> Vec<String> {
            from.ids
                .keys()
                .filter(|name| !in_.ids.contains_key(*name))
                .cloned()
                .collect()
        };
        let nodes_changed = self
            .ids
            .iter()
            .filter_map(|(name, &id)| Some((self.node(id), newer.node(newer.id(name)?))))
            .filter(|(before, after)| before != after)
            .map(|(before, after)| NodeChange {
                before: before.clone(),
                after: after.clone(),
            })
            .collect();
        let edges = |graph: &Self| -> BTreeSet<Edge> { graph.edges_ordered().into_iter().collect() };
        let (old, new) = (edges(self), edges(newer));
        GraphDiff {
            from: self.digest(),
            to: newer.digest(),
            nodes_added: missing(newer, self),
            nodes_removed: missing(self, newer),
            nodes_changed,
            edges_added: new.difference(&old).cloned().collect(),
            edges_removed: old.difference(&new).cloned().collect(),
        }
    }
}
