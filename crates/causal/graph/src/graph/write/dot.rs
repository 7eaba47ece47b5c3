//! Graphviz DOT.

use super::{attributes, quoted};
use crate::graph::{EdgeKind, Graph};
use std::fmt::Write;

pub(super) fn write(graph: &Graph) -> String {
    let mut out = String::from("digraph {\n  rankdir=LR;\n");
    for (_, node) in graph.nodes() {
        let mut said = attributes(node);
        if node.latent {
            said.push("latent=yes, style=dashed".to_owned());
        }
        if node.selected {
            said.push("selected=yes, peripheries=2".to_owned());
        }
        let list = if said.is_empty() {
            String::new()
        } else {
            format!(" [{}]", said.join(", "))
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {}{list};", quoted(&node.name));
    }
    for edge in graph.edges() {
        let both = match edge.kind {
            EdgeKind::Directed => "",
            EdgeKind::Bidirected => " [dir=both, style=dashed]",
        };
        let _ = writeln!(out, "  {} -> {}{both};", quoted(&edge.from), quoted(&edge.to));
    }
    out.push_str("}\n");
    out
}
