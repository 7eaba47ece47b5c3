//! A separator of least cost: a minimum vertex cut of the moral graph, found by shortest augmenting paths (Edmonds &
//! Karp 1972).

use super::separators::Separation;
use crate::graph::{NodeId, NodeSet};
use crate::identify::budget::{Budget, Spent};
use std::collections::VecDeque;

/// The separator with the smallest sum of `cost`, without nodes that are not needed; `None` when nothing separates.
pub(super) fn separator(
    separation: &Separation,
    cost: impl Fn(NodeId) -> u64,
    budget: &mut Budget,
) -> Result<Option<NodeSet>, Spent> {
    if separation.any(budget)?.is_none() {
        return Ok(None);
    }
    let moral = separation.cliques(budget)?;
    let mut flow = Flow::default();
    // Node v is entered at 2v and left at 2v + 1; passing it costs what it costs to condition on it.
    let nodes = moral.near.len();
    flow.arcs_of.resize(2 * nodes, Vec::new());
    for v in 0..nodes {
        let free = separation.allowed.contains(NodeId::new(v)) && v < separation.view.graph().len();
        // A larger cost counts as this one, so that the sum over a cut does not overflow; u64::MAX means "never".
        let bound = u64::MAX / (1 + nodes as u64) / 2;
        flow.arc(
            2 * v,
            2 * v + 1,
            if free {
                cost(NodeId::new(v)).min(bound)
            } else {
                u64::MAX
            },
        );
        for w in moral.near[v].iter().filter(|w| w.index() != v) {
            flow.arc(2 * v + 1, 2 * w.index(), u64::MAX);
        }
    }
    let (source, sink) = (2 * moral.source.index() + 1, 2 * moral.sink.index());
    loop {
        budget.spend(flow.arcs.len())?;
        let (came, reached) = flow.reach(source);
        if reached[sink] {
            flow.augment(&came, source, sink);
            continue;
        }
        let cut: NodeSet = (0..nodes)
            .filter(|v| reached[2 * v] && !reached[2 * v + 1])
            .map(NodeId::new)
            .collect();
        // The cut may hold nodes that cost nothing and are not needed; the minimal separator within it leaves them out.
        let needed = Separation {
            view: separation.view.clone(),
            allowed: &cut,
            ..*separation
        };
        return needed.minimal(budget);
    }
}

struct Arc {
    to: usize,
    left: u64,
}

/// Arcs in pairs: the arc at an odd position is the reverse of the one before it.
#[derive(Default)]
struct Flow {
    arcs: Vec<Arc>,
    arcs_of: Vec<Vec<usize>>,
}

impl Flow {
    fn arc(&mut self, from: usize, to: usize, left: u64) {
        self.arcs_of[from].push(self.arcs.len());
        self.arcs.push(Arc { to, left });
        self.arcs_of[to].push(self.arcs.len());
        self.arcs.push(Arc { to: from, left: 0 });
    }

    /// The arc each place was reached by, and whether it was reached at all.
    fn reach(&self, source: usize) -> (Vec<usize>, Vec<bool>) {
        let mut came = vec![0; self.arcs_of.len()];
        let mut reached = vec![false; self.arcs_of.len()];
        reached[source] = true;
        let mut queue = VecDeque::from([source]);
        while let Some(at) = queue.pop_front() {
            for &arc in &self.arcs_of[at] {
                let Arc { to, left } = self.arcs[arc];
                if left > 0 && !reached[to] {
                    reached[to] = true;
                    came[to] = arc;
                    queue.push_back(to);
                }
            }
        }
        (came, reached)
    }

    fn augment(&mut self, came: &[usize], source: usize, sink: usize) {
        let path: Vec<usize> = std::iter::successors(Some(sink), |&at| {
            let before = self.arcs[came[at] ^ 1].to;
            (before != source).then_some(before)
        })
        .map(|at| came[at])
        .collect();
        let amount = path.iter().map(|&arc| self.arcs[arc].left).min().unwrap_or(0);
        for arc in path {
            // An arc of unlimited capacity keeps it.
            if self.arcs[arc].left != u64::MAX {
                self.arcs[arc].left -= amount;
            }
            let back = &mut self.arcs[arc ^ 1].left;
            *back = back.saturating_add(amount);
        }
    }
}
