//! The problem's graph in the JSON form that the causal core reads: one translation, whoever asks.

use serde_json::{Value, json};

use super::{GraphSpec, NodeRole, NodeSpec};

impl GraphSpec {
    /// The graph as JSON text: `{"nodes": [..], "edges": [..]}`, each node with its role, clock, columns, description and
    /// whether it is latent.
    #[must_use]
    pub fn to_json(&self) -> String {
        let edge =
            |kind: &str, (from, to): &(String, String)| json!({ "from": from, "to": to, "kind": kind });
        let directed = self.directed.iter().map(|ends| edge("directed", ends));
        let both = self.bidirected.iter().map(|ends| edge("bidirected", ends));
        let nodes: Vec<Value> = self.nodes.iter().map(node).collect();
        let edges: Vec<Value> = directed.chain(both).collect();
        json!({ "nodes": nodes, "edges": edges }).to_string()
    }
}

fn node(spec: &NodeSpec) -> Value {
    // A treatment happens at the decision itself, so it has no clock.
    let (role, clock) = match spec.role {
        NodeRole::Treatment => (Some("treatment"), None),
        NodeRole::Outcome => (Some("outcome"), Some("outcome")),
        NodeRole::Confounder => (Some("confounder"), Some("before")),
        NodeRole::EffectModifier => (Some("effect_modifier"), Some("before")),
        NodeRole::Instrument => (Some("instrument"), Some("before")),
        NodeRole::Mediator => (Some("mediator"), Some("mediator")),
        NodeRole::Latent => (None, None),
    };
    json!({
        "name": spec.name,
        "role": role,
        "clock": clock,
        "description": spec.description,
        "measured_by": spec.measured_by,
        "latent": spec.role == NodeRole::Latent,
    })
}
