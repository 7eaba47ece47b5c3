//! The graph itself: an immutable acyclic directed mixed graph on petgraph. Built by [`super::GraphBuilder`] only, so
//! that every `Graph` in existence is sound. Questions about it are asked through [`super::View`].

use super::{Node, NodeId, NodeSet, View};
use petgraph::graph::{DiGraph, UnGraph};
use petgraph::visit::EdgeRef;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Whether an edge is a cause or a hidden common cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// `from -> to`.
    Directed,
    /// `from <-> to`: a latent common cause.
    Bidirected,
}

/// One edge by the names of its ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Edge {
    /// The cause; either end of a bidirected edge.
    pub from: String,
    /// The effect; the other end of a bidirected edge.
    pub to: String,
    /// Directed or bidirected.
    pub kind: EdgeKind,
}

impl std::fmt::Display for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arrow = if self.kind == EdgeKind::Directed {
            "->"
        } else {
            "<->"
        };
        write!(f, "{} {arrow} {}", self.from, self.to)
    }
}

/// An immutable acyclic directed mixed graph with optional latent nodes.
///
/// Node ids run from 0 in the order of declaration. Serialises as `{"nodes": [..], "edges": [..]}`, the JSON form
/// that [`Graph::parse`] reads.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) directed: DiGraph<Node, ()>,
    pub(super) bidirected: UnGraph<(), ()>,
    pub(super) ids: BTreeMap<String, NodeId>,
}

impl Graph {
    /// How many nodes, latent ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.directed.node_count()
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many edges of both kinds.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.directed.edge_count() + self.bidirected.edge_count()
    }

    /// The node with this id.
    ///
    /// # Panics
    /// If the id is of another, larger graph.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.directed[id]
    }

    /// The id of a name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<NodeId> {
        self.ids.get(name).copied()
    }

    /// All nodes with their ids, in order of declaration.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.directed.node_indices().map(|id| (id, &self.directed[id]))
    }

    /// The ids of all nodes.
    #[must_use]
    pub fn all(&self) -> NodeSet {
        NodeSet::first(self.len())
    }

    /// The ids of the nodes that are not latent.
    #[must_use]
    pub fn observed(&self) -> NodeSet {
        self.nodes()
            .filter(|(_, node)| !node.latent)
            .map(|(id, _)| id)
            .collect()
    }

    /// The ids of the nodes that the sample was selected on.
    #[must_use]
    pub fn selected(&self) -> NodeSet {
        self.nodes()
            .filter(|(_, node)| node.selected)
            .map(|(id, _)| id)
            .collect()
    }

    /// The names of a set, in node order.
    #[must_use]
    pub fn names(&self, set: &NodeSet) -> Vec<String> {
        set.iter().map(|id| self.node(id).name.clone()).collect()
    }

    /// All edges by name: directed first, each kind in order of declaration.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        let name = |id: NodeId| self.directed[id].name.clone();
        let directed = self
            .directed
            .edge_references()
            .map(|e| (e.source(), e.target(), EdgeKind::Directed));
        let both = self
            .bidirected
            .edge_references()
            .map(|e| (e.source(), e.target(), EdgeKind::Bidirected));
        directed
            .chain(both)
            .map(|(a, b, kind)| Edge {
                from: name(a),
                to: name(b),
                kind,
            })
            .collect()
    }

    /// The whole graph as a view, from which induced and mutilated graphs are made.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(self)
    }
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            nodes: Vec<&'a Node>,
            edges: Vec<Edge>,
        }
        Form {
            nodes: self.nodes().map(|(_, node)| node).collect(),
            edges: self.edges(),
        }
        .serialize(serializer)
    }
}
