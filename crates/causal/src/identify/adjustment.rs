//! The generalised adjustment criterion (Shpitser, VanderWeele & Robins 2010; Perković et al. 2018) for sets of
//! treatments and outcomes in ADMGs, and the minimal sets that meet it. Graphs here have no latent nodes.

use super::budget::{Budget, Spent};
use super::separators::{Listing, Separation, by_size};
use super::{cheapest, selection};
use crate::graph::{Graph, NodeId, NodeSet, View};

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
    let none = &NodeSet::new();
    let wanted = Wanted {
        x,
        y,
        given: none,
        required: none,
        selected: none,
        allowed,
    };
    let listing = wanted.list(graph, sets_max, &mut Budget::new(steps_max));
    (listing.found, listing.complete)
}

/// What adjustment sets are looked for.
pub(super) struct Wanted<'a> {
    pub(super) x: &'a NodeSet,
    pub(super) y: &'a NodeSet,
    /// Conditions of the query itself.
    pub(super) given: &'a NodeSet,
    /// In every set.
    pub(super) required: &'a NodeSet,
    /// Conditioned on by the sample.
    pub(super) selected: &'a NodeSet,
    /// What sets may hold.
    pub(super) allowed: &'a NodeSet,
}

impl Wanted<'_> {
    /// The nodes no set may hold. With conditions, sets keep to non-descendants of `x`, for only then does
    /// P(w | do(x), given) not depend on x.
    pub(super) fn never(&self, graph: &Graph) -> NodeSet {
        let never = never_adjusted(graph, self.x, self.y).union(self.selected);
        if self.given.is_empty() {
            never
        } else {
            never.union(&graph.view().descendants(self.x))
        }
    }

    /// Conditions and required nodes that no set may hold: with one, there is no set.
    pub(super) fn barred(&self, graph: &Graph) -> NodeSet {
        self.given.union(self.required).intersection(&self.never(graph))
    }

    fn possible(&self, graph: &Graph) -> bool {
        let (x, y, given, selected) = (self.x, self.y, self.given, self.selected);
        self.barred(graph).is_empty()
            && (selected.is_empty()
                || (selection::barrier(graph, x, y, given, selected).is_none()
                    && selection::treatments_allow(graph, x, y, given, selected)))
    }

    /// Minimal sets `w` such that P(y | do(x), given) = sum_w P(y | x, w, given) P(w | given), each with the required
    /// nodes in it; every probability among the selected.
    pub(super) fn list(&self, graph: &Graph, limit: usize, budget: &mut Budget) -> Listing<NodeSet> {
        let mut listing = self
            .separation(graph, |separation| separation.list(limit, budget))
            .unwrap_or(Listing {
                found: Vec::new(),
                complete: true,
            });
        by_size(&mut listing.found);
        for set in &mut listing.found {
            *set = set.union(self.required);
        }
        listing
    }

    /// The set whose nodes cost least together.
    pub(super) fn cheapest(
        &self,
        graph: &Graph,
        cost: impl Fn(NodeId) -> u64,
        budget: &mut Budget,
    ) -> Result<Option<NodeSet>, Spent> {
        let found = self.separation(graph, |separation| cheapest::separator(separation, cost, budget));
        Ok(found.transpose()?.flatten().map(|set| set.union(self.required)))
    }

    /// Asks the separation problem that the sets solve; `None` where there can be no set.
    fn separation<T>(&self, graph: &Graph, ask: impl FnOnce(&Separation) -> T) -> Option<T> {
        self.possible(graph).then(|| {
            ask(&Separation {
                view: proper_backdoor(graph, self.x, self.y),
                x: self.x,
                y: self.y,
                include: &self.given.union(self.required).union(self.selected),
                allowed: &self.allowed.difference(&self.never(graph)),
            })
        })
    }
}
