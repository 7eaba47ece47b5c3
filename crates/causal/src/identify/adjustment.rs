//! The generalised adjustment criterion (Shpitser, VanderWeele & Robins 2010; Perković et al. 2018) for sets of
//! treatments and outcomes in ADMGs, and the minimal sets that meet it. Graphs here have no latent nodes.

use super::budget::Budget;
use super::separators::{Listing, Separation, by_size};
use crate::graph::{Graph, NodeSet, View};

/// The nodes on proper causal paths from `x` to `y`: those that leave `x` and do not return to it. `y` is among them
/// when there is any such path, `x` never.
#[must_use]
pub fn proper_causal_nodes(graph: &Graph, x: &NodeSet, y: &NodeSet) -> NodeSet {
    let below = graph.view().without_into(x).descendants(x).difference(x);
    below.intersection(&graph.view().without_out_of(x).ancestors(y))
}

/// The nodes no adjustment set may hold: descendants of the nodes on proper causal paths, and `x` and `y` themselves.
pub(super) fn never_adjusted(graph: &Graph, x: &NodeSet, y: &NodeSet) -> NodeSet {
    graph
        .view()
        .descendants(&proper_causal_nodes(graph, x, y))
        .union(x)
        .union(y)
}

/// The proper back-door graph: the first edge of every proper causal path cut.
pub(super) fn proper_backdoor<'g>(graph: &'g Graph, x: &NodeSet, y: &NodeSet) -> View<'g> {
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

/// All adjustment sets of which no part is one, drawn from `allowed`, smallest first; at most `sets_max` of them and
/// `steps_max` steps. The flag tells whether the list is complete.
///
/// A latent node is taken as if it were observed unless `allowed` leaves it out: project first.
#[must_use]
pub fn minimal_adjustment_sets(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    allowed: &NodeSet,
    sets_max: usize,
    steps_max: u64,
) -> (Vec<NodeSet>, bool) {
    let mut budget = Budget::new(steps_max);
    let listing = list(graph, x, y, &NodeSet::new(), allowed, sets_max, &mut budget);
    (listing.found, listing.complete)
}

/// Minimal sets `w` such that P(y | do(x), include) = sum_w P(y | x, w, include) P(w | include). With `include`, sets
/// keep to non-descendants of `x`, for only then does P(w | do(x), include) not depend on x.
pub(super) fn list(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    include: &NodeSet,
    allowed: &NodeSet,
    limit: usize,
    budget: &mut Budget,
) -> Listing<NodeSet> {
    let never = if include.is_empty() {
        never_adjusted(graph, x, y)
    } else {
        never_adjusted(graph, x, y).union(&graph.view().descendants(x))
    };
    if !include.is_disjoint(&never) {
        return Listing {
            found: Vec::new(),
            complete: true,
        };
    }
    let allowed = allowed.difference(&never);
    let view = proper_backdoor(graph, x, y);
    let mut listing = Separation {
        view,
        x,
        y,
        include,
        allowed: &allowed,
    }
    .list(limit, budget);
    by_size(&mut listing.found);
    listing
}
