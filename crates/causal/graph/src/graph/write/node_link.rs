//! networkx node-link data.

use crate::graph::{EdgeKind, Graph};
use serde_json::{Value, json};

pub(super) fn write(graph: &Graph) -> Value {
    let nodes: Vec<Value> = graph
        .nodes()
        .map(|(_, node)| {
            let mut fields = json!({ "id": node.name });
            // A node is made of text, flags and lists of text, which JSON always takes.
            if let (Value::Object(into), Ok(Value::Object(from))) = (&mut fields, serde_json::to_value(node))
            {
                into.extend(from.into_iter().filter(|(key, _)| key != "name"));
            }
            fields
        })
        .collect();
    let edges: Vec<Value> = graph
        .edges()
        .into_iter()
        .map(|edge| {
            // The key tells a cause from a common cause of the same two nodes.
            let both = edge.kind == EdgeKind::Bidirected;
            let key = if both { "bidirected" } else { "directed" };
            json!({ "source": edge.from, "target": edge.to, "key": key, "bidirected": both })
        })
        .collect();
    json!({ "directed": true, "multigraph": true, "graph": {}, "nodes": nodes, "edges": edges })
}
