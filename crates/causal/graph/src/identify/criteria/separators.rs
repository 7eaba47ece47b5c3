//! All minimal m-separators of two sets: vertex separators of the moral graph of their ancestors, listed by Takata's
//! recursion (van der Zander, Liśkiewicz & Textor 2019, ListMinSep), with polynomial time between two of them.

use crate::graph::{NodeId, NodeSet, View};
use crate::identify::budget::{Budget, Spent};

/// What a listing found, and whether it came to its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing<T> {
    pub(crate) found: Vec<T>,
    pub(crate) complete: bool,
}

/// What separates what.
pub(crate) struct Separation<'a, 'g> {
    pub(crate) view: View<'g>,
    pub(crate) x: &'a NodeSet,
    pub(crate) y: &'a NodeSet,
    /// Conditioned on in any case, and not listed.
    pub(crate) include: &'a NodeSet,
    /// What a separator may hold.
    pub(crate) allowed: &'a NodeSet,
}

impl Separation<'_, '_> {
    /// The cost of one reachability pass.
    pub(crate) fn pass(&self) -> usize {
        self.view.graph().len() + self.view.graph().edge_count()
    }

    /// Some separator, or `None` when there is none: the allowed ancestors separate if anything does.
    pub(crate) fn any(&self, budget: &mut Budget) -> Result<Option<NodeSet>, Spent> {
        budget.spend(2 * self.pass())?;
        let ends = self.x.union(self.y).union(self.include);
        let widest = self
            .view
            .ancestors(&ends)
            .intersection(self.allowed)
            .difference(&ends);
        let given = widest.union(self.include);
        Ok(self.view.m_separated(self.x, self.y, &given).then_some(widest))
    }

    /// One minimal separator in linear time, or `None` when there is none: of some separator the nodes next to `x`, of
    /// those the nodes next to `y` (van der Zander & Liśkiewicz 2020).
    pub(crate) fn minimal(&self, budget: &mut Budget) -> Result<Option<NodeSet>, Spent> {
        let Some(widest) = self.any(budget)? else {
            return Ok(None);
        };
        budget.spend(3 * self.pass())?;
        let ancestors = self.view.ancestors(&self.x.union(self.y).union(self.include));
        let inside = self.view.clone().within(&ancestors);
        let near_x = widest.intersection(&inside.moral_reach(self.x, &widest.union(self.include)));
        let near_both = near_x.intersection(&inside.moral_reach(self.y, &near_x.union(self.include)));
        Ok(Some(near_both))
    }

    /// The separator nearest to `y`: of some separator, the nodes next to `y`.
    pub(crate) fn nearest(&self, budget: &mut Budget) -> Result<Option<NodeSet>, Spent> {
        let Some(widest) = self.any(budget)? else {
            return Ok(None);
        };
        budget.spend(2 * self.pass())?;
        let ancestors = self.view.ancestors(&self.x.union(self.y).union(self.include));
        let inside = self.view.clone().within(&ancestors);
        let near = inside.moral_reach(self.y, &widest.union(self.include));
        Ok(Some(widest.intersection(&near)))
    }

    /// Minimal separators, at most `limit`; at least one where there is any and the budget holds for a few passes.
    pub(crate) fn list(&self, limit: usize, budget: &mut Budget) -> Listing<NodeSet> {
        let mut listing = Listing {
            found: Vec::new(),
            complete: true,
        };
        match self.minimal(budget) {
            Ok(None) => return listing,
            Err(Spent) => listing.complete = false,
            Ok(Some(first)) if limit == 1 => {
                listing.found.push(first);
                listing.complete = false;
            }
            Ok(Some(first)) => {
                let search = self.moral_graph(budget);
                listing.complete =
                    search.is_ok_and(|moral| moral.list(limit, &mut listing.found, budget).is_ok());
                if listing.found.is_empty() && limit > 0 {
                    listing.found.push(first);
                }
            }
        }
        listing
    }

    /// The moral graph of the ancestors with `x` and `y` drawn together into one node each and `include` taken out.
    pub(crate) fn cliques(&self, budget: &mut Budget) -> Result<Moral, Spent> {
        let n = self.view.graph().len();
        let (source, sink) = (NodeId::new(n), NodeId::new(n + 1));
        let ancestors = self.view.ancestors(&self.x.union(self.y).union(self.include));
        let inside = self.view.clone().within(&ancestors);
        let mut near = vec![NodeSet::new(); n + 2];
        let merged = |v: NodeId| match v {
            v if self.x.contains(v) => source,
            v if self.y.contains(v) => sink,
            v => v,
        };
        for district in inside.districts() {
            let clique = district
                .union(&inside.parents_of(&district))
                .difference(self.include);
            let clique: NodeSet = clique.iter().map(merged).collect();
            budget.spend(clique.len() * (1 + n / 64))?;
            clique
                .iter()
                .for_each(|v| near[v.index()] = near[v.index()].union(&clique));
        }
        Ok(Moral { near, source, sink })
    }

    /// The moral graph in which every node that no separator may hold is replaced by edges between its neighbours.
    fn moral_graph(&self, budget: &mut Budget) -> Result<Moral, Spent> {
        let n = self.view.graph().len();
        let mut moral = self.cliques(budget)?;
        let near = &mut moral.near;
        let ends = self.x.union(self.y).union(self.include);
        let ancestors = self.view.ancestors(&ends);
        let hidden = ancestors.difference(self.allowed).difference(&ends);
        for v in hidden.iter() {
            let around = near[v.index()].difference(&NodeSet::one(v));
            budget.spend(around.len() * (1 + n / 64))?;
            for w in around.iter() {
                near[w.index()] = near[w.index()].union(&around).difference(&NodeSet::one(v));
            }
            near[v.index()] = NodeSet::new();
        }
        Ok(moral)
    }
}

/// A moral graph: each node's neighbours, the two ends drawn together.
pub(crate) struct Moral {
    pub(crate) near: Vec<NodeSet>,
    pub(crate) source: NodeId,
    pub(crate) sink: NodeId,
}

/// Why a listing stops before its end.
struct Stop;

impl Moral {
    fn border(&self, set: &NodeSet) -> NodeSet {
        set.iter()
            .fold(NodeSet::new(), |border, v| border.union(&self.near[v.index()]))
            .difference(set)
    }

    fn component(&self, of: NodeId, without: &NodeSet) -> NodeSet {
        let mut found = NodeSet::one(of);
        let mut stack = vec![of];
        while let Some(v) = stack.pop() {
            stack.extend(
                self.near[v.index()]
                    .difference(without)
                    .iter()
                    .filter(|&w| found.insert(w)),
            );
        }
        found
    }

    /// Lists all minimal separators. A branch holds those whose source side takes in `inner` and none of `outer`; the
    /// branches wait on a list of their own, for they may nest as deep as there are nodes.
    fn list(&self, limit: usize, out: &mut Vec<NodeSet>, budget: &mut Budget) -> Result<(), Stop> {
        let size: usize = self.near.len() * (1 + self.near.len() / 64);
        let mut branches = vec![(NodeSet::one(self.source), NodeSet::one(self.sink))];
        while let Some((inner, outer)) = branches.pop() {
            budget.spend(2 * size).map_err(|Spent| Stop)?;
            let border = self.border(&inner);
            if border.contains(self.sink) {
                continue;
            }
            let separator = self.border(&self.component(self.sink, &border));
            let side = self.component(self.source, &separator);
            if !side.is_disjoint(&outer) {
                continue;
            }
            match separator.difference(&outer).smallest() {
                Some(v) => {
                    let v = NodeSet::one(v);
                    branches.push((side.clone(), outer.union(&v)));
                    branches.push((side.union(&v), outer));
                }
                None if out.len() == limit => return Err(Stop),
                None => out.push(separator),
            }
        }
        Ok(())
    }
}

/// Sets in the order they are shown: small ones first, then by their nodes.
pub(crate) fn by_size(sets: &mut [NodeSet]) {
    sets.sort_by_key(|set| (set.len(), set.iter().collect::<Vec<_>>()));
}
