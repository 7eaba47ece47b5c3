//! Graphs as text and pictures: what [`Graph::parse`] reads back (DOT, dagitty, networkx node-link) and what people
//! look at (Mermaid, SVG). Our own JSON is the graph's `Serialize`.

mod dagitty;
mod dot;
mod layout;
mod mermaid;
mod node_link;
mod svg;

use super::{Graph, Node};

impl Graph {
    /// Graphviz DOT; a bidirected edge is a dashed one with two heads. [`Graph::parse`] reads it back whole.
    #[must_use]
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }

    /// dagitty text. [`Graph::parse`] reads it back whole; dagitty itself passes over what it does not know.
    #[must_use]
    pub fn to_dagitty(&self) -> String {
        dagitty::write(self)
    }

    /// networkx node-link data (`node_link_graph(data, edges="edges")`): a directed multigraph in which a bidirected
    /// edge says so. [`Graph::parse`] reads its text back whole.
    #[must_use]
    pub fn to_node_link(&self) -> serde_json::Value {
        node_link::write(self)
    }

    /// A Mermaid flowchart.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// An SVG picture: causes to the left, latent nodes and common causes dashed.
    ///
    /// ```
    /// use ceteris_graph::Graph;
    /// let picture = Graph::parse("X -> Y; X <-> Y")?.to_svg();
    /// assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
    /// # Ok::<(), ceteris_graph::GraphError>(())
    /// ```
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }
}

/// A name in quotes, as both statement languages take it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What is said of a node beyond its name, as `key=value` of an attribute list.
fn attributes(node: &Node) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(role) = node.role {
        found.push(format!("role={}", role.name()));
    }
    if let Some(clock) = node.clock {
        found.push(format!("clock={}", clock.name()));
    }
    if !node.measured_by.is_empty() {
        found.push(format!("measured_by={}", quoted(&node.measured_by.join(","))));
    }
    if !node.description.is_empty() {
        found.push(format!("description={}", quoted(&node.description)));
    }
    found
}
