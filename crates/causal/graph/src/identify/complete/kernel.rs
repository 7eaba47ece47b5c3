//! Tian's c-factors Q[T]: the distribution of a district T under intervention on all else, as a product of one factor
//! per node in topological order; how it narrows to ancestral sets and to the districts within them.

use crate::graph::{NodeId, NodeSet, View};
use crate::identify::expression::{Expr, bind};

/// Q[nodes] as a chain: the product of the factors, one per node, causes first.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    pub(super) nodes: NodeSet,
    chain: Vec<(NodeId, Expr)>,
}

impl Kernel {
    /// Q of a district of `view`, whose nodes are ancestrally closed: each node given its Markov pillow, the rest of
    /// its district so far and the parents of both.
    pub(super) fn of_district(view: &View, order: &[NodeId], district: &NodeSet) -> Self {
        let mut so_far = NodeSet::new();
        let mut chain = Vec::new();
        for &v in order {
            so_far.insert(v);
            if district.contains(v) {
                let known = view.clone().within(&so_far);
                let near = known.district(v);
                let one = NodeSet::one(v);
                let pillow = near.union(&known.parents_of(&near)).difference(&one);
                chain.push((v, Expr::p(&one, &pillow)));
            }
        }
        Self {
            nodes: district.clone(),
            chain,
        }
    }

    /// What a marginal costs at most, in steps: each node summed out looks through all factors.
    pub(super) fn marginal_cost(&self) -> usize {
        let size: usize = self.chain.iter().map(|(_, factor)| factor.size()).sum();
        16 * size * (1 + self.chain.len())
    }

    /// The sum of Q over all nodes but `kept`.
    pub(super) fn marginal(&self, kept: &NodeSet) -> Expr {
        let factors = self.chain.iter().map(|(_, factor)| factor.clone()).collect();
        bind(&self.nodes.difference(kept), Expr::product(factors))
    }

    /// Q of a district within `ancestral`, an ancestral subset of these nodes: each node's factor is
    /// Q[the ancestral nodes up to it] / Q[those before it].
    pub(super) fn narrowed(&self, ancestral: &NodeSet, district: &NodeSet) -> Self {
        let mut so_far = NodeSet::new();
        let mut chain = Vec::new();
        for v in self
            .chain
            .iter()
            .map(|(v, _)| *v)
            .filter(|&v| ancestral.contains(v))
        {
            let before = so_far.clone();
            so_far.insert(v);
            if district.contains(v) {
                chain.push((v, Expr::ratio(self.marginal(&so_far), self.marginal(&before))));
            }
        }
        Self {
            nodes: district.clone(),
            chain,
        }
    }
}

/// The nodes that an expression for Q[district] names though its value does not depend on them: a c-factor is a function
/// of its district and of the district's parents alone.
pub(super) fn stray(view: &View, district: &NodeSet, q: &Expr) -> NodeSet {
    let own = district.union(&view.parents_of(district));
    let named = q.free().into_iter().map(|var| var.node);
    named.filter(|&v| !own.contains(v)).collect()
}
