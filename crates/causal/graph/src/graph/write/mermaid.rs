//! Mermaid flowcharts. Nodes get ids of their own, for Mermaid's may not hold spaces.

use crate::graph::{EdgeKind, Graph, Role};
use std::fmt::Write;

pub(super) fn write(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    // Writing to a string cannot fail.
    for (id, node) in graph.nodes() {
        let (open, close) = match node.role {
            _ if node.latent => ("([", "])"),
            Some(Role::Treatment) => ("[", "]"),
            Some(Role::Outcome) => ("{{", "}}"),
            _ => ("(", ")"),
        };
        let label = node
            .name
            .replace('#', "#35;")
            .replace('&', "#amp;")
            .replace('"', "#quot;")
            .replace('<', "#lt;")
            .replace(char::is_control, " ");
        let class = match (node.latent, node.selected) {
            (true, _) => ":::latent",
            (_, true) => ":::selected",
            _ => "",
        };
        let _ = writeln!(out, "  n{}{open}\"{label}\"{close}{class}", id.index());
    }
    for edge in graph.edges() {
        let arrow = match edge.kind {
            EdgeKind::Directed => "-->",
            EdgeKind::Bidirected => "<-.->",
        };
        if let (Some(a), Some(b)) = (graph.id(&edge.from), graph.id(&edge.to)) {
            let _ = writeln!(out, "  n{} {arrow} n{}", a.index(), b.index());
        }
    }
    out.push_str("  classDef latent stroke-dasharray: 4 4\n  classDef selected stroke-width: 3px\n");
    out
}
