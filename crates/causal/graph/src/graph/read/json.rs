//! Graphs as JSON: our own form and networkx node-link. serde_json checks the text; a scan of its own finds the line
//! each element stands in, so that faults of meaning name lines too.

use super::attributes::{parse_clock, set_role};
use crate::graph::{Edge, EdgeKind, FaultKind, Graph, GraphBuilder, GraphError, Node};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn read(text: &str) -> Result<Graph, GraphError> {
    let value: Value = serde_json::from_str(text).map_err(|e| GraphError::syntax(e.line(), e.to_string()))?;
    let Value::Object(top) = value else {
        return Err(GraphError::syntax(1, "a graph is a JSON object"));
    };
    if top.get("directed") == Some(&Value::Bool(false)) {
        return Err(GraphError::syntax(
            1,
            "an undirected graph says nothing of causes",
        ));
    }
    let lines = element_lines(text);
    let line = |key: &str, i: usize| lines.get(key).and_then(|l| l.get(i)).copied().unwrap_or(1);
    let mut builder = GraphBuilder::new();
    let mut names = Names::default();
    for (i, value) in array(&top, "nodes")?
        .ok_or_else(|| GraphError::syntax(1, "nodes is missing"))?
        .iter()
        .enumerate()
    {
        builder = builder.at_line(line("nodes", i));
        match node(value) {
            Ok(node) => {
                names.push(&node.name);
                builder = builder.node(node);
            }
            Err(kind) => builder = builder.fault(kind),
        }
    }
    let key = if top.contains_key("edges") {
        "edges"
    } else {
        "links"
    };
    for (i, value) in array(&top, key)?
        .ok_or_else(|| GraphError::syntax(1, "edges is missing"))?
        .iter()
        .enumerate()
    {
        builder = builder.at_line(line(key, i));
        builder = match edge(value, &names) {
            Ok(edge) => builder.edge(edge),
            Err(kind) => builder.fault(kind),
        };
    }
    builder.build()
}

fn array<'a>(top: &'a Map<String, Value>, key: &str) -> Result<Option<&'a Vec<Value>>, GraphError> {
    match top.get(key) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(GraphError::syntax(1, format!("{key} must be an array"))),
    }
}

fn syntax(message: impl Into<String>) -> FaultKind {
    FaultKind::Syntax(message.into())
}

/// A node name: text, or the number networkx gave it.
fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn node(value: &Value) -> Result<Node, FaultKind> {
    let Value::Object(fields) = value else {
        return name(value)
            .map(Node::new)
            .ok_or_else(|| syntax("a node is a name or an object"));
    };
    let named = fields.get("name").or_else(|| fields.get("id")).and_then(name);
    let mut node = Node::new(named.ok_or_else(|| syntax("a node needs a name"))?);
    let bad = |key: &str, what: &str| syntax(format!("{key} of node {} must be {what}", fields_name(fields)));
    for (key, value) in fields {
        match (key.as_str(), value) {
            (_, Value::Null) => {}
            ("latent" | "unobserved", Value::Bool(on)) => node.latent |= *on,
            ("observed", Value::Bool(on)) => node.latent |= !*on,
            ("selected", Value::Bool(on)) => node.selected = *on,
            ("latent" | "unobserved" | "observed" | "selected", _) => return Err(bad(key, "true or false")),
            ("role", Value::String(role)) => set_role(&mut node, role)?,
            ("clock", Value::String(clock)) => node.clock = Some(parse_clock(&node.name, clock)?),
            ("description", Value::String(text)) => node.description.clone_from(text),
            ("role" | "clock" | "description", _) => return Err(bad(key, "text")),
            ("measured_by", Value::String(column)) => node.measured_by = vec![column.clone()],
            ("measured_by", Value::Array(columns)) => {
                let columns: Option<Vec<String>> =
                    columns.iter().map(|c| c.as_str().map(str::to_owned)).collect();
                node.measured_by = columns.ok_or_else(|| bad(key, "column names"))?;
            }
            ("measured_by", _) => return Err(bad(key, "column names")),
            _ => {}
        }
    }
    Ok(node)
}

fn fields_name(fields: &Map<String, Value>) -> String {
    fields
        .get("name")
        .or_else(|| fields.get("id"))
        .and_then(name)
        .unwrap_or_default()
}

fn edge(value: &Value, names: &Names) -> Result<Edge, FaultKind> {
    let ends = |from: Option<&Value>, to: Option<&Value>| {
        let end = |end: Option<&Value>| end.and_then(|v| resolve(v, names));
        end(from)
            .zip(end(to))
            .ok_or_else(|| syntax("an edge needs two ends: from and to"))
    };
    match value {
        Value::Array(pair) if pair.len() == 2 => {
            let (from, to) = ends(pair.first(), pair.get(1))?;
            Ok(Edge {
                from,
                to,
                kind: EdgeKind::Directed,
            })
        }
        Value::Object(fields) => {
            let get = |a: &str, b: &str| fields.get(a).or_else(|| fields.get(b));
            let (from, to) = ends(get("from", "source"), get("to", "target"))?;
            Ok(Edge {
                from,
                to,
                kind: kind(fields)?,
            })
        }
        _ => Err(syntax(
            "an edge is an object with from and to, or a pair of names",
        )),
    }
}

/// The nodes' names, by position and for looking up.
#[derive(Default)]
struct Names {
    in_order: Vec<String>,
    known: BTreeSet<String>,
}

impl Names {
    fn push(&mut self, name: &str) {
        self.in_order.push(name.to_owned());
        self.known.insert(name.to_owned());
    }
}

/// A named end; or, as old networkx wrote them, a position among the nodes.
fn resolve(value: &Value, names: &Names) -> Option<String> {
    let text = name(value)?;
    match value.as_u64() {
        Some(position) if !names.known.contains(&text) => usize::try_from(position)
            .ok()
            .and_then(|p| names.in_order.get(p))
            .cloned()
            .or(Some(text)),
        _ => Some(text),
    }
}

fn kind(fields: &Map<String, Value>) -> Result<EdgeKind, FaultKind> {
    if let Some(Value::Bool(both)) = fields.get("bidirected") {
        return Ok(if *both {
            EdgeKind::Bidirected
        } else {
            EdgeKind::Directed
        });
    }
    match fields.get("kind").or_else(|| fields.get("type")) {
        None | Some(Value::Null) => Ok(EdgeKind::Directed),
        Some(Value::String(kind)) => match kind.as_str() {
            "directed" | "->" => Ok(EdgeKind::Directed),
            "bidirected" | "<->" => Ok(EdgeKind::Bidirected),
            other => Err(syntax(format!(
                "edge kind {other:?} is neither directed nor bidirected"
            ))),
        },
        Some(_) => Err(syntax("edge kind must be directed or bidirected")),
    }
}

/// For each array directly under a top-level key, the line in which each of its elements begins. The text is known to
/// be valid JSON.
fn element_lines(text: &str) -> BTreeMap<String, Vec<usize>> {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let (mut line, mut depth, mut key) = (1, 0, String::new());
    let (mut in_text, mut escaped, mut word, mut element_due) = (false, false, String::new(), false);
    for c in text.chars() {
        line += usize::from(c == '\n');
        if in_text {
            match c {
                '"' if !escaped => in_text = false,
                _ => word.push(c),
            }
            escaped = c == '\\' && !escaped;
            continue;
        }
        if element_due && !c.is_whitespace() && c != ']' {
            found.entry(key.clone()).or_default().push(line);
            element_due = false;
        }
        match c {
            '"' => {
                in_text = true;
                word.clear();
            }
            ':' if depth == 1 => key.clone_from(&word),
            '[' | '{' => {
                depth += 1;
                element_due |= c == '[' && depth == 2;
            }
            ']' | '}' => {
                depth -= 1;
                element_due = false;
            }
            ',' if depth == 2 => element_due = true,
            _ => {}
        }
    }
    found
}
