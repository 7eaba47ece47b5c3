//! Latent projection (Verma & Pearl 1990): the ADMG over the observed nodes that entails the same independences and
//! the same identified effects as a graph with latent nodes.

use super::{Graph, NodeId, NodeSet};
use petgraph::graph::{DiGraph, UnGraph};
use std::collections::BTreeSet;

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
    #[must_use]
    pub fn project_away(&self, gone: &NodeSet) -> Self {
        let mut edges = Adjacency::of(self);
        gone.iter().for_each(|latent| edges.eliminate(latent));
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

struct Adjacency {
    parents: Vec<BTreeSet<NodeId>>,
    children: Vec<BTreeSet<NodeId>>,
    siblings: Vec<BTreeSet<NodeId>>,
}

impl Adjacency {
    fn of(graph: &Graph) -> Self {
        let view = graph.view();
        let ids: Vec<NodeId> = graph.nodes().map(|(id, _)| id).collect();
        Self {
            parents: ids.iter().map(|&v| view.parents(v).collect()).collect(),
            children: ids.iter().map(|&v| view.children(v).collect()).collect(),
            siblings: ids.iter().map(|&v| view.siblings(v).collect()).collect(),
        }
    }

    fn eliminate(&mut self, latent: NodeId) {
        let parents = std::mem::take(&mut self.parents[latent.index()]);
        let children = std::mem::take(&mut self.children[latent.index()]);
        let siblings = std::mem::take(&mut self.siblings[latent.index()]);
        for &p in &parents {
            self.children[p.index()].remove(&latent);
            self.children[p.index()].extend(&children);
        }
        for &s in &siblings {
            self.siblings[s.index()].remove(&latent);
        }
        for &c in &children {
            self.parents[c.index()].remove(&latent);
            self.parents[c.index()].extend(&parents);
            for &other in children.iter().chain(&siblings).filter(|&&other| other != c) {
                self.siblings[c.index()].insert(other);
                self.siblings[other.index()].insert(c);
            }
        }
    }
}
