//! The generalised adjustment criterion (Shpitser, VanderWeele & Robins 2010; Perković et al. 2018) for sets of
//! treatments and outcomes in ADMGs. Graphs here have no latent nodes. Sets that meet it are searched for in
//! [`super::adjustment_sets`].

use crate::graph::{Graph, NodeSet, View};

/// The nodes on proper causal paths from `x` to `y`: those that leave `x` and do not return to it. `y` is among them
/// when there is any such path, `x` never.
#[must_use]
pub fn proper_causal_nodes(graph: &Graph, x: &NodeSet, y: &NodeSet) -> NodeSet {
    let below = graph.view().without_into(x).descendants(x).difference(x);
    below.intersection(&graph.view().without_out_of(x).ancestors(y))
}

/// The nodes no adjustment set may hold: descendants of the nodes on proper causal paths, and `x` and `y` themselves.
pub(crate) fn never_adjusted(graph: &Graph, x: &NodeSet, y: &NodeSet) -> NodeSet {
    graph
        .view()
        .descendants(&proper_causal_nodes(graph, x, y))
        .union(x)
        .union(y)
}

/// The proper back-door graph: the first edge of every proper causal path cut.
pub(crate) fn proper_backdoor<'g>(graph: &'g Graph, x: &NodeSet, y: &NodeSet) -> View<'g> {
    graph
        .view()
        .without_between(x.clone(), proper_causal_nodes(graph, x, y))
}

/// Whether P(y | do(x)) = sum_z P(y | x, z) P(z) in every model of the graph: no node of `z` descends from a proper
/// causal path, and `z` m-separates `x` from `y` in the proper back-door graph. The criterion is complete.
///
/// A latent node is taken as if it were observed: project first ([`Graph::project`]).
#[must_use]
pub fn is_adjustment_set(graph: &Graph, x: &NodeSet, y: &NodeSet, z: &NodeSet) -> bool {
    z.is_disjoint(&never_adjusted(graph, x, y)) && proper_backdoor(graph, x, y).m_separated(x, y, z)
}
