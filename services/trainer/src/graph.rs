//! The problem's graph in the causal core's form.

use ceteris_contract::problem::Problem;
use ceteris_graph::{Graph, GraphError};

/// Builds the graph that identification reads.
///
/// # Errors
/// What a checked problem file cannot have: cycles, unknown or repeated nodes.
pub fn graph_of(problem: &Problem) -> Result<Graph, GraphError> {
    Graph::parse(&problem.graph.to_json())
}
