//! The name of a graph's content: equal graphs have equal digests, in whatever order they were declared.

use super::{Edge, EdgeKind, Graph};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 over a graph's nodes (all that is said of them) and edges, each sorted, in 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GraphDigest(String);

impl GraphDigest {
    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits: what people read.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for GraphDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Edge {
    /// The same edge with the ends of a bidirected one in order, so that equal edges compare equal.
    #[must_use]
    pub fn ordered(self) -> Self {
        if self.kind == EdgeKind::Bidirected && self.to < self.from {
            return Self {
                from: self.to,
                to: self.from,
                kind: self.kind,
            };
        }
        self
    }
}

impl Graph {
    /// All edges in one order that does not depend on declaration.
    pub(super) fn edges_ordered(&self) -> Vec<Edge> {
        let mut edges: Vec<Edge> = self.edges().into_iter().map(Edge::ordered).collect();
        edges.sort();
        edges
    }

    /// The digest of the graph's content.
    ///
    /// ```
    /// use ceteris_graph::Graph;
    /// let one = Graph::parse("A -> B; A <-> B")?;
    /// assert_eq!(one.digest(), Graph::parse("B <-> A; A -> B")?.digest());
    /// assert_ne!(one.digest(), Graph::parse("A -> B")?.digest());
    /// # Ok::<(), ceteris_graph::GraphError>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> GraphDigest {
        let mut hash = Sha256::new();
        let mut field = |text: &str| {
            // Lengths come first, so that no two contents run together into the same bytes.
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        field("ceteris graph 2");
        for id in self.ids.values() {
            let node = self.node(*id);
            field(&node.name);
            field(&format!("{:?}", node.role));
            field(&format!("{:?}", node.clock));
            field(&node.description);
            field(if node.latent { "latent" } else { "observed" });
            field(if node.selected { "selected" } else { "" });
            field(&node.measured_by.len().to_string());
            node.measured_by.iter().for_each(|column| field(column));
        }
        field("edges");
        for edge in self.edges_ordered() {
            // Apart, for a name may hold an arrow.
            field(&edge.from);
            field(&edge.to);
            field(if edge.kind == EdgeKind::Directed {
                "->"
            } else {
                "<->"
            });
        }
        let bytes = hash.finalize();
        GraphDigest(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
