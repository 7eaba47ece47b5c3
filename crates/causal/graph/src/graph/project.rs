//! Latent projection (Verma & Pearl 1990): the ADMG over the observed nodes that entails the same independences and
//! the same identified effects as a graph with latent nodes.

use super::{Graph, NodeId, NodeSet};
use petgraph::graph::{DiGraph, UnGraph};

impl Graph {
    /// The latent projection onto the nodes that are not latent. Ids differ from this graph's wherever a node is gone.
    #[must_use]
    pub fn project(&self) -> Self {
        self.project_away(&self.all().difference(&self.observed()))
    }

    /// The latent projection that takes away `gone`, whatever the nodes say of themselves.
    ///
    /// Nodes are eliminated one at a time: with `p -> l`, `l -> c`, `l <-> s`, each `p -> c`, each pair `c <-> c'` and
    /// each `c <-> s` takes their place. The result does not depend on the order.
    ///
    /// A latent node with n children leaves n (n - 1) / 2 edges behind; [`Self::project_away_within`] has a bound.
    #[must_use]
    pub fn project_away(&self, gone: &NodeSet) -> Self {
        let mut edges = Adjacency::of(self);
        gone.iter().for_each(|latent| edges.eliminate(latent));
        self.projected(gone, &edges)
    }

    /// The latent projection on at most so many steps, a neighbour looked at each, and the steps left; `None` when they do
    /// not suffice.
    #[must_use]
    pub fn project_away_within(&self, gone: &NodeSet, steps_max: u64) -> Option<(Self, u64)> {
        let mut left = steps_max.checked_sub((self.len() + self.edge_count()) as u64)?;
        let mut edges = Adjacency::of(self);
        for latent in gone.iter() {
            left = left.checked_sub(edges.cost(latent))?;
            edges.eliminate(latent);
        }
        Some((self.projected(gone, &edges), left))
    }

    fn projected(&self, gone: &NodeSet, edges: &Adjacency) -> Self {
        let mut directed = DiGraph::new();
        let mut bidirected = UnGraph::new_undirected();
        let mut new_id = vec![None; self.len()];
        let mut ids = std::collections::BTreeMap::new();
        for (old, node) in self.nodes().filter(|(old, _)| !gone.contains(*old)) {
            let id = directed.add_node(node.clone());
            bidirected.add_node(());
            new_id[old.index()] = Some(id);
            ids.insert(node.name.clone(), id);
        }
        let ends = |a: usize, b: NodeId| Some((new_id[a]?, new_id[b.index()]?));
        for (from, children) in edges.children.iter().enumerate() {
            for (a, b) in children.iter().filter_map(|&to| ends(from, to)) {
                directed.add_edge(a, b, ());
            }
        }
        for (from, siblings) in edges.siblings.iter().enumerate() {
            for (a, b) in siblings
                .iter()
                .filter(|to| to.index() > from)
                .filter_map(|&to| ends(from, to))
            {
                bidirected.add_edge(a, b, ());
            }
        }
        Self {
            directed,
            bidirected,
            ids,
        }
    }
}

/// Each node's neighbours in ascending order: merged in one pass, which for dense projections is far from the cost of a
/// tree.
struct Adjacency {
    parents: Vec<Vec<NodeId>>,
    children: Vec<Vec<NodeId>>,
    siblings: Vec<Vec<NodeId>>,
}

impl Adjacency {
    fn of(graph: &Graph) -> Self {
        let view = graph.view();
        let ids: Vec<NodeId> = graph.nodes().map(|(id, _)| id).collect();
        let sorted = |mut near: Vec<NodeId>| {
            near.sort_unstable();
            near
        };
        Self {
            parents: ids.iter().map(|&v| sorted(view.parents(v).collect())).collect(),
            children: ids.iter().map(|&v| sorted(view.children(v).collect())).collect(),
            siblings: ids.iter().map(|&v| sorted(view.siblings(v).collect())).collect(),
        }
    }

    /// The neighbours that eliminating a node reads or writes.
    fn cost(&self, latent: NodeId) -> u64 {
        let count = |lists: &[Vec<NodeId>], v: &NodeId| lists[v.index()].len() as u64;
        let children = count(&self.children, &latent);
        let siblings = count(&self.siblings, &latent);
        let parents = count(&self.parents, &latent);
        let above = self.parents[latent.index()]
            .iter()
            .map(|p| children + count(&self.children, p));
        let below = self.children[latent.index()]
            .iter()
            .map(|c| parents + count(&self.parents, c) + children + siblings + count(&self.siblings, c));
        let beside = self.siblings[latent.index()]
            .iter()
            .map(|s| children + count(&self.siblings, s));
        1 + above.chain(below).chain(beside).sum::<u64>()
    }

    fn eliminate(&mut self, latent: NodeId) {
        let parents = std::mem::take(&mut self.parents[latent.index()]);
        let children = std::mem::take(&mut self.children[latent.index()]);
        let siblings = std::mem::take(&mut self.siblings[latent.index()]);
        for &p in &parents {
            merge(&mut self.children[p.index()], &children, latent);
        }
        for &s in &siblings {
            merge(&mut self.siblings[s.index()], &children, latent);
            // A sibling that is a child too shares the cause with itself alone.
            self.siblings[s.index()].retain(|&v| v != s);
        }
        let mut beside = children.clone();
        merge(&mut beside, &siblings, latent);
        for &c in &children {
            merge(&mut self.parents[c.index()], &parents, latent);
            merge(&mut self.siblings[c.index()], &beside, c);
        }
    }
}

/// Brings the nodes of one ascending list into another, and takes one node out of it.
fn merge(into: &mut Vec<NodeId>, more: &[NodeId], without: NodeId) {
    let mut merged = Vec::with_capacity(into.len() + more.len());
    let (mut left, mut right) = (into.iter().copied().peekable(), more.iter().copied().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&a), None) | (None, Some(&a)) => a,
            (None, None) => break,
        };
        left.next_if_eq(&next);
        right.next_if_eq(&next);
        if next != without {
            merged.push(next);
        }
    }
    *into = merged;
}
