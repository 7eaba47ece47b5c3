//! A graph seen with nodes or edges taken away: induced subgraphs, graphs with the edges into or out of a set cut, and
//! the ancestry, districts and orders of what remains. Nothing is copied but the sets that say what is gone.

use super::{Graph, NodeId, NodeSet};
use petgraph::Direction::{Incoming, Outgoing};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A graph with some nodes and edges hidden.
#[derive(Debug, Clone)]
pub struct View<'g> {
    graph: &'g Graph,
    within: NodeSet,
    cut_into: NodeSet,
    cut_out_of: NodeSet,
    cut_between: (NodeSet, NodeSet),
}

impl<'g> View<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            within: graph.all(),
            cut_into: NodeSet::new(),
            cut_out_of: NodeSet::new(),
            cut_between: (NodeSet::new(), NodeSet::new()),
        }
    }

    /// The graph seen.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// The nodes that remain.
    #[must_use]
    pub fn nodes(&self) -> &NodeSet {
        &self.within
    }

    /// The subgraph induced by those of `nodes` that remain.
    #[must_use]
    pub fn within(mut self, nodes: &NodeSet) -> Self {
        self.within = self.within.intersection(nodes);
        self
    }

    /// The subgraph without `nodes`.
    #[must_use]
    pub fn without(mut self, nodes: &NodeSet) -> Self {
        self.within = self.within.difference(nodes);
        self
    }

    /// Every edge with an arrowhead at a node of `nodes` cut, bidirected ones too: the graph under do(`nodes`).
    #[must_use]
    pub fn without_into(mut self, nodes: &NodeSet) -> Self {
        self.cut_into = self.cut_into.union(nodes);
        self
    }

    /// Every directed edge that leaves a node of `nodes` cut.
    #[must_use]
    pub fn without_out_of(mut self, nodes: &NodeSet) -> Self {
        self.cut_out_of = self.cut_out_of.union(nodes);
        self
    }

    /// The directed edges from `from` to `to` cut; replaces an earlier such cut.
    #[must_use]
    pub fn without_between(mut self, from: NodeSet, to: NodeSet) -> Self {
        self.cut_between = (from, to);
        self
    }

    fn keeps(&self, from: NodeId, to: NodeId) -> bool {
        self.within.contains(from)
            && self.within.contains(to)
            && !self.cut_into.contains(to)
            && !self.cut_out_of.contains(from)
            && !(self.cut_between.0.contains(from) && self.cut_between.1.contains(to))
    }

    /// Parents of a node.
    pub fn parents(&self, of: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.graph
            .directed
            .neighbors_directed(of, Incoming)
            .filter(move |&from| self.keeps(from, of))
    }

    /// Children of a node.
    pub fn children(&self, of: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.graph
            .directed
            .neighbors_directed(of, Outgoing)
            .filter(move |&to| self.keeps(of, to))
    }

    /// Nodes joined to a node by a bidirected edge.
    pub fn siblings(&self, of: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let open = self.within.contains(of) && !self.cut_into.contains(of);
        let joined = self.graph.bidirected.neighbors(of);
        joined.filter(move |&other| open && self.within.contains(other) && !self.cut_into.contains(other))
    }

    /// The parents of a set, those inside the set included.
    #[must_use]
    pub fn parents_of(&self, set: &NodeSet) -> NodeSet {
        set.iter().flat_map(|v| self.parents(v)).collect()
    }

    /// A set and all its ancestors.
    #[must_use]
    pub fn ancestors(&self, set: &NodeSet) -> NodeSet {
        self.closure(set, |view, v, out| out.extend(view.parents(v)))
    }

    /// A set and all its descendants.
    #[must_use]
    pub fn descendants(&self, set: &NodeSet) -> NodeSet {
        self.closure(set, |view, v, out| out.extend(view.children(v)))
    }

    /// The district of a node: all nodes reached from it over bidirected edges, itself included.
    #[must_use]
    pub fn district(&self, of: NodeId) -> NodeSet {
        self.closure(&NodeSet::one(of), |view, v, out| out.extend(view.siblings(v)))
    }

    /// All districts, ordered by their smallest node.
    #[must_use]
    pub fn districts(&self) -> Vec<NodeSet> {
        let mut rest = self.within.clone();
        let mut found = Vec::new();
        while let Some(v) = rest.smallest() {
            let district = self.district(v);
            rest = rest.difference(&district);
            found.push(district);
        }
        found
    }

    /// The nodes in a topological order: causes first, among equals the one declared first.
    #[must_use]
    pub fn topological_order(&self) -> Vec<NodeId> {
        let mut waiting: Vec<usize> = vec![0; self.graph.len()];
        let mut ready = BinaryHeap::new();
        for v in self.within.iter() {
            waiting[v.index()] = self.parents(v).count();
            if waiting[v.index()] == 0 {
                ready.push(Reverse(v));
            }
        }
        let mut order = Vec::with_capacity(self.within.len());
        while let Some(Reverse(v)) = ready.pop() {
            order.push(v);
            for child in self.children(v) {
                waiting[child.index()] -= 1;
                if waiting[child.index()] == 0 {
                    ready.push(Reverse(child));
                }
            }
        }
        order
    }

    /// A copy of what remains as a graph of its own, with ids of its own.
    #[must_use]
    pub fn to_graph(&self) -> Graph {
        let mut graph = Graph {
            directed: Default::default(),
            bidirected: Default::default(),
            ids: Default::default(),
        };
        for v in self.within.iter() {
            let node = self.graph.node(v).clone();
            graph.ids.insert(node.name.clone(), graph.directed.add_node(node));
            graph.bidirected.add_node(());
        }
        let new = |old: NodeId| graph.ids[&self.graph.node(old).name];
        let pairs = |next: &dyn Fn(NodeId) -> Vec<NodeId>| -> Vec<(NodeId, NodeId)> {
            self.within
                .iter()
                .flat_map(|a| next(a).into_iter().map(move |b| (a, b)))
                .collect()
        };
        let directed: Vec<_> = pairs(&|v| self.children(v).collect::<NodeSet>().iter().collect());
        let both: Vec<_> = pairs(&|v| {
            self.siblings(v)
                .filter(|&w| w > v)
                .collect::<NodeSet>()
                .iter()
                .collect()
        });
        let directed: Vec<_> = directed.into_iter().map(|(a, b)| (new(a), new(b))).collect();
        let both: Vec<_> = both.into_iter().map(|(a, b)| (new(a), new(b))).collect();
        for (a, b) in directed {
            graph.directed.add_edge(a, b, ());
        }
        for (a, b) in both {
            graph.bidirected.add_edge(a, b, ());
        }
        graph
    }

    fn closure(&self, seeds: &NodeSet, next: impl Fn(&Self, NodeId, &mut Vec<NodeId>)) -> NodeSet {
        let mut found = seeds.intersection(&self.within);
        let mut stack: Vec<NodeId> = found.iter().collect();
        let mut step = Vec::new();
        while let Some(v) = stack.pop() {
            next(self, v, &mut step);
            stack.extend(step.drain(..).filter(|&w| found.insert(w)));
        }
        found
    }
}
