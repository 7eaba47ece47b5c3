//! m-separation in ADMGs by linear-time reachability (Bayes ball; van der Zander, Liśkiewicz & Textor 2019): a state is
//! a node and the mark with which it was reached. Also finds one open path to show;
//! [`View::paths`] lists them.

use super::{NodeId, NodeSet, OpenPath, View};
use std::collections::VecDeque;

/// How one node is left for the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// `v -> next`: tail here, arrowhead there.
    Down,
    /// `v <- next`: arrowhead here, tail there.
    Up,
    /// `v <-> next`: arrowheads at both.
    Across,
}

impl Step {
    pub(super) fn head_here(self) -> bool {
        self != Self::Down
    }

    pub(super) fn head_there(self) -> bool {
        self != Self::Up
    }

    pub(super) fn arrow(self) -> &'static str {
        match self {
            Self::Down => " -> ",
            Self::Up => " <- ",
            Self::Across => " <-> ",
        }
    }
}

/// One visited state: the node, the step that led here and the state it led from.
struct Visit {
    node: NodeId,
    by: Option<(Step, usize)>,
}

impl View<'_> {
    /// Whether `given` m-separates every node of `x` from every node of `y`. Nodes of `given` count as separated from
    /// all; a node in both `x` and `y` is not separated from itself.
    #[must_use]
    pub fn m_separated(&self, x: &NodeSet, y: &NodeSet, given: &NodeSet) -> bool {
        self.m_connected(x, given).is_disjoint(y)
    }

    /// The nodes outside `given` that are m-connected with a node of `x` given `given`, `x` itself included.
    #[must_use]
    pub fn m_connected(&self, x: &NodeSet, given: &NodeSet) -> NodeSet {
        let visits = self.walk(x, &NodeSet::new(), given, &self.ancestors(given));
        visits
            .iter()
            .map(|visit| visit.node)
            .filter(|&v| !given.contains(v))
            .collect()
    }

    /// The nodes that a walk from `x` comes to, those of `given` included, when it may pass every collider and every
    /// non-collider outside `given`. In an ancestrally closed view this is reachability in the moral graph, with
    /// `given` reached but not passed.
    pub(crate) fn moral_reach(&self, x: &NodeSet, given: &NodeSet) -> NodeSet {
        let visits = self.walk(x, &NodeSet::new(), given, self.nodes());
        visits.iter().map(|visit| visit.node).collect()
    }

    /// A path from `x` to `y` that is open given `given`, or `None` when they are m-separated.
    #[must_use]
    pub fn open_path(&self, x: &NodeSet, y: &NodeSet, given: &NodeSet) -> Option<OpenPath> {
        let goal = y.difference(given);
        let visits = self.walk(x, &goal, given, &self.ancestors(given));
        let last = visits.iter().position(|visit| goal.contains(visit.node))?;
        let mut nodes = Vec::new();
        let mut steps = Vec::new();
        let mut at = last;
        loop {
            nodes.push(visits[at].node);
            let Some((step, from)) = visits[at].by else { break };
            steps.push(step);
            at = from;
        }
        nodes.reverse();
        steps.reverse();
        let (nodes, steps) = without_loops(nodes, steps);
        let names: Vec<String> = nodes.iter().map(|&v| self.graph().node(v).name.clone()).collect();
        let mut text = names[0].clone();
        for (step, name) in steps.iter().zip(&names[1..]) {
            text.push_str(step.arrow());
            text.push_str(name);
        }
        Some(OpenPath {
            nodes: names,
            text,
            given: self.graph().names(given),
        })
    }

    /// Every way to leave a node, along its edges of either kind.
    pub(super) fn steps(&self, v: NodeId) -> impl Iterator<Item = (Step, NodeId)> + '_ {
        let down = self.children(v).map(|w| (Step::Down, w));
        let up = self.parents(v).map(|w| (Step::Up, w));
        let across = self.siblings(v).map(|w| (Step::Across, w));
        down.chain(up).chain(across)
    }

    /// The Markov blanket of a node: the smallest set given which it is m-separated from all others. In an ADMG these
    /// are the nodes joined to it by a path on which every inner node is a collider.
    #[must_use]
    pub fn markov_blanket(&self, of: NodeId) -> NodeSet {
        let one = NodeSet::one(of);
        let others = self.nodes().difference(&one);
        self.moral_reach(&one, &others).difference(&one)
    }

    /// Breadth-first over states, nearest first, passing colliders in `opened` and other nodes outside `given`; stops
    /// when a node of `goal` is reached.
    fn walk(&self, x: &NodeSet, goal: &NodeSet, given: &NodeSet, opened: &NodeSet) -> Vec<Visit> {
        let mut seen = [NodeSet::new(), NodeSet::new()];
        let mut visits: Vec<Visit> = Vec::new();
        let mut queue = VecDeque::new();
        for start in x.difference(given).intersection(self.nodes()).iter() {
            queue.push_back(visits.len());
            visits.push(Visit {
                node: start,
                by: None,
            });
        }
        while let Some(at) = queue.pop_front() {
            let (v, by) = (visits[at].node, visits[at].by);
            if goal.contains(v) {
                break;
            }
            for (step, w) in self.steps(v) {
                let passes = by.is_none_or(|(arrived, _)| {
                    if arrived.head_there() && step.head_here() {
                        opened.contains(v)
                    } else {
                        !given.contains(v)
                    }
                });
                if passes && seen[usize::from(step.head_there())].insert(w) {
                    queue.push_back(visits.len());
                    visits.push(Visit {
                        node: w,
                        by: Some((step, at)),
                    });
                }
            }
        }
        visits
    }
}

/// Cuts the loops out of an open walk. What remains is open too: a repeated node that becomes a collider by the cut
/// had an open collider below it, and one that becomes a non-collider was passed as one before.
fn without_loops(nodes: Vec<NodeId>, steps: Vec<Step>) -> (Vec<NodeId>, Vec<Step>) {
    let mut path: Vec<NodeId> = Vec::new();
    let mut taken: Vec<Step> = Vec::new();
    for (i, node) in nodes.into_iter().enumerate() {
        if let Some(first) = path.iter().position(|&v| v == node) {
            path.truncate(first + 1);
            taken.truncate(first);
        } else {
            path.push(node);
            if i > 0 {
                taken.push(steps[i - 1]);
            }
        }
    }
    (path, taken)
}
