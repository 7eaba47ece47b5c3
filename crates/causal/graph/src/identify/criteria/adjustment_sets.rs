//! Searches for adjustment sets: the minimal ones and the cheapest, also with conditions, with required nodes and from a
//! selected sample. Graphs here have no latent nodes.

use super::adjustment::{never_adjusted, proper_backdoor};
use super::separators::{Listing, Separation, by_size};
use super::{cheapest, selection};
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::budget::{Budget, Spent};
use crate::identify::problem::Problem;

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
    let search = AdjustmentSearch {
        x,
        y,
        given: none,
        required: none,
        selected: none,
        allowed,
    };
    let listing = search.list(graph, sets_max, &mut Budget::new(steps_max));
    (listing.found, listing.complete)
}

/// A search for adjustment sets.
pub(crate) struct AdjustmentSearch<'a> {
    x: &'a NodeSet,
    y: &'a NodeSet,
    /// Conditions of the query itself.
    given: &'a NodeSet,
    /// In every set.
    required: &'a NodeSet,
    /// Conditioned on by the sample.
    selected: &'a NodeSet,
    /// What sets may hold.
    allowed: &'a NodeSet,
}

impl<'a> AdjustmentSearch<'a> {
    /// The search that a query asks for.
    pub(crate) fn of(problem: &'a Problem) -> Self {
        Self {
            x: &problem.x,
            y: &problem.y,
            given: &problem.given,
            required: &problem.required,
            selected: &problem.selected,
            allowed: &problem.allowed,
        }
    }

    /// The nodes no set may hold. With conditions, sets keep to non-descendants of `x`, for only then does
    /// P(w | do(x), given) not depend on x.
    fn never(&self, graph: &Graph) -> NodeSet {
        let never = never_adjusted(graph, self.x, self.y).union(self.selected);
        if self.given.is_empty() {
            never
        } else {
            never.union(&graph.view().descendants(self.x))
        }
    }

    /// Conditions and required nodes that no set may hold: with one, there is no set.
    pub(crate) fn barred(&self, graph: &Graph) -> NodeSet {
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
    pub(crate) fn list(&self, graph: &Graph, limit: usize, budget: &mut Budget) -> Listing<NodeSet> {
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
    pub(crate) fn cheapest(
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
