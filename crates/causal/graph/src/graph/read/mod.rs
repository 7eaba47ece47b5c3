//! Graphs from text, the form recognised by content: JSON (ours or networkx node-link), Graphviz DOT, dagitty.

mod attributes;
mod json;
mod lex;
mod statements;

use super::{Graph, GraphError};

impl Graph {
    /// Reads a graph from its text form.
    ///
    /// * JSON: `{"nodes": [..], "edges": [..]}`. A node is a name or an object (`name` or `id`, and `role`, `clock`,
    ///   `latent`, `description`, `measured_by`); an edge is `{"from", "to", "kind": "directed"|"bidirected"}` or
    ///   `["a", "b"]`. networkx node-link (`links`, `source`, `target`) is read too.
    /// * DOT: `digraph { X -> Z -> Y; X -> Y [dir=both]; U [latent=yes] }`.
    /// * dagitty: `dag { X -> Z -> Y ; X <-> Y ; U [latent] }`, or its statements without the braces. A statement ends
    ///   at `;` or at the end of its line; a name alone declares a node.
    ///
    /// In DOT and dagitty an edge declares its ends. Layout attributes are ignored.
    ///
    /// # Errors
    /// Text that does not parse (with its line), and every fault [`super::GraphBuilder::build`] finds, with its line.
    pub fn parse(text: &str) -> Result<Self, GraphError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{') {
            json::read(text)
        } else {
            statements::read(text)
        }
    }
}
