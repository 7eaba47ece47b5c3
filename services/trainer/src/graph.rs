//! The problem's graph in the causal core's form.

use ceteris_causal::graph::{Clock, Graph, GraphBuilder, GraphError, Node, Role};
use ceteris_contract::problem::{NodeRole, Problem};

/// Builds the graph that identification reads.
///
/// # Errors
/// What a checked problem file cannot have: cycles, unknown or repeated nodes.
pub fn graph_of(problem: &Problem) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new();
    for spec in &problem.graph.nodes {
        let mut node = Node::new(&spec.name).description(&spec.description);
        for column in &spec.measured_by {
            node = node.measured_by(column);
        }
        builder = builder.node(match spec.role {
            NodeRole::Treatment => node.role(Role::Treatment),
            NodeRole::Outcome => node.role(Role::Outcome).clock(Clock::Outcome),
            NodeRole::Confounder => node.role(Role::Confounder).clock(Clock::Before),
            NodeRole::EffectModifier => node.role(Role::EffectModifier).clock(Clock::Before),
            NodeRole::Instrument => node.role(Role::Instrument).clock(Clock::Before),
            NodeRole::Mediator => node.role(Role::Mediator).clock(Clock::Mediator),
            NodeRole::Latent => node.latent(),
        });
    }
    for (from, to) in &problem.graph.directed {
        builder = builder.directed(from, to);
    }
    for (a, b) in &problem.graph.bidirected {
        builder = builder.bidirected(a, b);
    }
    builder.build()
}
