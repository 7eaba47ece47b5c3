//! `graph`: nodes by name, edges as `a -> b`, `a -> b -> c`, `a -> {b, c}` and `a <-> b`.

use crate::problem::fault::{Faults, Mark, did_you_mean};
use crate::problem::fields::{Fields, check_name, choice_of, is_name, text_of};
use crate::problem::node::{Key, Kind, Node, shorten};
use crate::problem::{GraphSpec, NodeRole, NodeSpec};

const ROLES: [(&str, NodeRole); 7] = [
    ("treatment", NodeRole::Treatment),
    ("outcome", NodeRole::Outcome),
    ("confounder", NodeRole::Confounder),
    ("effect_modifier", NodeRole::EffectModifier),
    ("instrument", NodeRole::Instrument),
    ("mediator", NodeRole::Mediator),
    ("latent", NodeRole::Latent),
];

/// One edge and where it stands.
pub(in crate::problem) struct Edge {
    pub from: String,
    pub to: String,
    /// True for `from <-> to`.
    pub both: bool,
    pub path: String,
}

/// Reads nodes and edges. Edges between unknown nodes are faults and left out.
pub(super) fn read(node: &Node, faults: &mut Faults) -> (GraphSpec, Vec<Edge>) {
    let mut graph = GraphSpec::default();
    let mut edges = Vec::new();
    let Some(mut fields) = Fields::of(node, "graph", faults) else {
        return (graph, edges);
    };
    if let Some(nodes) = fields.need(
        "nodes",
        "{ a_node: { role: confounder, measured_by: [a_view] } }",
        faults,
    ) && let Some(named) = Fields::of(nodes, "graph.nodes", faults)
    {
        graph.nodes = named
            .named()
            .map(|(key, node)| read_node(key, node, faults))
            .collect();
    }
    if let Some(list) = fields.need("edges", "[a -> b]", faults) {
        match &list.kind {
            Kind::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    read_edges(item, &format!("graph.edges[{i}]"), &mut edges, faults);
                }
            }
            _ if list.is_null() => {}
            _ => faults.at(
                list.mark,
                "graph.edges",
                "must be a list of edges",
                "write one `- a -> b` a line",
            ),
        }
    }
    fields.finish(faults);
    let edges = known_and_distinct(edges, &graph, faults);
    for edge in &edges {
        let list = if edge.both {
            &mut graph.bidirected
        } else {
            &mut graph.directed
        };
        list.push((edge.from.clone(), edge.to.clone()));
    }
    (graph, edges)
}

fn read_node(key: &Key, node: &Node, faults: &mut Faults) -> NodeSpec {
    let path = format!("graph.nodes.{}", key.text);
    check_name(key, &path, faults);
    let mut spec = NodeSpec {
        name: key.text.clone(),
        role: NodeRole::Latent,
        description: String::new(),
        measured_by: Vec::new(),
    };
    // `user_intent: latent` is all there is to say of a latent node.
    if matches!(node.kind, Kind::Scalar { .. }) && !node.is_null() {
        let path = format!("{path}.role");
        faults.mark(&path, node.mark);
        if let Some(role) = choice_of(node, &path, &ROLES, faults) {
            spec.role = role;
        }
        return spec;
    }
    let Some(mut fields) = Fields::of(node, &path, faults) else {
        faults.at(
            node.mark,
            &format!("{path}.role"),
            "is missing",
            "write `{ role: confounder, measured_by: [a_view] }`",
        );
        return spec;
    };
    if let Some(role) = fields.choice_needed("role", &ROLES, faults) {
        spec.role = role;
    }
    spec.description = fields.text("description", faults).unwrap_or_default();
    let views = fields.texts("measured_by", faults).unwrap_or_default();
    spec.measured_by = views.into_iter().map(|(name, _)| name).collect();
    if matches!(spec.role, NodeRole::Treatment | NodeRole::Outcome) && !spec.measured_by.is_empty() {
        let list = if spec.role == NodeRole::Treatment {
            "treatments"
        } else {
            "outcomes"
        };
        let fix = format!("leave it out: the entry under `{list}` with this node says where it is observed");
        faults.add(
            &fields.at("measured_by"),
            "has no meaning for a treatment or outcome",
            fix,
        );
        spec.measured_by.clear();
    }
    fields.finish(faults);
    spec
}

/// Reads one line of edges, a chain of arrows between names or `{..}` sets of names.
fn read_edges(item: &Node, path: &str, edges: &mut Vec<Edge>, faults: &mut Faults) {
    faults.mark(path, item.mark);
    if !matches!(item.kind, Kind::Scalar { .. }) {
        let problem = format!("must be text such as `a -> b`, found {}", item.describe());
        faults.at(
            item.mark,
            path,
            problem,
            "write `- a -> b`, with quotes inside brackets",
        );
        return;
    }
    let Some(text) = text_of(item, path, faults) else {
        return;
    };
    let mut rest = text.as_str();
    let mut before: Option<(Vec<String>, Arrow)> = None;
    loop {
        let arrow = next_arrow(rest);
        let end = arrow.map_or(rest.len(), |(at, _)| at);
        let Some(names) = endpoint(&rest[..end], &text, path, item.mark, faults) else {
            return;
        };
        if let Some((left, arrow)) = &before {
            join(left, &names, *arrow, path, edges);
        }
        match arrow {
            Some((at, arrow)) => {
                rest = &rest[at + arrow.text().len()..];
                before = Some((names, arrow));
            }
            None => break,
        }
    }
    if before.is_none() {
        faults.at(
            item.mark,
            path,
            format!("`{}` has no arrow", shorten(&text)),
            "write `a -> b` or `a <-> b`",
        );
    }
}

#[derive(Clone, Copy)]
enum Arrow {
    Right,
    Left,
    Both,
}

impl Arrow {
    fn text(self) -> &'static str {
        match self {
            Arrow::Right => "->",
            Arrow::Left => "<-",
            Arrow::Both => "<->",
        }
    }
}

fn next_arrow(text: &str) -> Option<(usize, Arrow)> {
    // `<->` first: at the same place it is longer than `<-`.
    [Arrow::Both, Arrow::Left, Arrow::Right]
        .into_iter()
        .filter_map(|arrow| text.find(arrow.text()).map(|at| (at, arrow)))
        .min_by_key(|(at, _)| *at)
}

fn endpoint(part: &str, whole: &str, path: &str, mark: Mark, faults: &mut Faults) -> Option<Vec<String>> {
    let part = part.trim();
    let names: Vec<&str> = match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(set) => set
            .split([',', ' '])
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .collect(),
        None => vec![part],
    };
    if names.is_empty() || names.iter().any(|n| !is_name(n)) {
        let problem = format!("`{}` is no edge: `{}` is no name", shorten(whole), shorten(part));
        faults.at(
            mark,
            path,
            problem,
            "write `a -> b`, `a -> {b, c}`, `a -> b -> c` or `a <-> b`",
        );
        return None;
    }
    Some(names.into_iter().map(str::to_owned).collect())
}

fn join(left: &[String], right: &[String], arrow: Arrow, path: &str, edges: &mut Vec<Edge>) {
    for a in left {
        for b in right {
            let (from, to) = if matches!(arrow, Arrow::Left) {
                (b, a)
            } else {
                (a, b)
            };
            let both = matches!(arrow, Arrow::Both);
            edges.push(Edge {
                from: from.clone(),
                to: to.clone(),
                both,
                path: path.to_owned(),
            });
        }
    }
}

/// Keeps edges between known nodes, each once; tells of the others and of loops on one node.
fn known_and_distinct(edges: Vec<Edge>, graph: &GraphSpec, faults: &mut Faults) -> Vec<Edge> {
    let names: std::collections::BTreeSet<&str> = graph.nodes.iter().map(|n| n.name.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut told = std::collections::BTreeSet::new();
    let mut kept = Vec::new();
    for edge in edges {
        let mut known = true;
        for name in [&edge.from, &edge.to] {
            if !names.contains(name.as_str()) {
                known = false;
                if told.insert((edge.path.clone(), name.clone())) {
                    let nodes = graph.nodes.iter().map(|n| n.name.as_str());
                    faults.add(
                        &edge.path,
                        format!("`{name}` is no node of the graph"),
                        did_you_mean(name, nodes),
                    );
                }
            }
        }
        if !known {
            continue;
        }
        if edge.from == edge.to {
            let (problem, fix) = if edge.both {
                (
                    "a node shares no cause with itself",
                    "name two different nodes, or leave the edge out",
                )
            } else {
                (
                    "a node cannot cause itself",
                    "leave the edge out; what happens over time needs one node per instant",
                )
            };
            faults.add(&edge.path, format!("`{}`: {problem}", edge.from), fix);
            continue;
        }
        let (a, b) = if edge.both && edge.to < edge.from {
            (&edge.to, &edge.from)
        } else {
            (&edge.from, &edge.to)
        };
        if !seen.insert((a.clone(), b.clone(), edge.both)) {
            let arrow = if edge.both { "<->" } else { "->" };
            faults.add(
                &edge.path,
                format!("`{a} {arrow} {b}` was given already"),
                "leave one of the two out",
            );
            continue;
        }
        kept.push(edge);
    }
    kept
}
