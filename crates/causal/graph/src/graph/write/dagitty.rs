//! dagitty text.

use super::{attributes, quoted};
use crate::graph::{EdgeKind, Graph, Role};
use std::fmt::Write;

pub(super) fn write(graph: &Graph) -> String {
    let name = |name: &str| {
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let reserved = matches!(name, "dag" | "graph" | "digraph" | "node" | "edge");
        if plain && !reserved {
            name.to_owned()
        } else {
            quoted(name)
        }
    };
    let mut out = String::from("dag {\n");
    for (_, node) in graph.nodes() {
        // dagitty's own words for the two roles it knows.
        let mut said: Vec<String> = attributes(node)
            .into_iter()
            .map(|attribute| match node.role {
                Some(Role::Treatment) if attribute.starts_with("role=") => "exposure".to_owned(),
                Some(Role::Outcome) if attribute.starts_with("role=") => "outcome".to_owned(),
                _ => attribute,
            })
            .collect();
        if node.latent {
            said.push("latent".to_owned());
        }
        if node.selected {
            said.push("selected".to_owned());
        }
        let list = if said.is_empty() {
            String::new()
        } else {
            format!(" [{}]", said.join(","))
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}{list}", name(&node.name));
    }
    for edge in graph.edges() {
        let arrow = match edge.kind {
            EdgeKind::Directed => "->",
            EdgeKind::Bidirected => "<->",
        };
        let _ = writeln!(out, "{} {arrow} {}", name(&edge.from), name(&edge.to));
    }
    out.push_str("}\n");
    out
}
