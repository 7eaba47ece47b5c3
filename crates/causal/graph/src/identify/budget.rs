//! The bound on every search: a count of elementary steps and not of time, so that a search ends at the same place on
//! every machine.

use crate::graph::{Graph, NodeSet};

/// The budget is spent; whatever was asked stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent;

/// Steps left to a search. A step is about one visit of a node or an edge.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Pays for `steps`, before they are taken.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Spent),
        }
    }

    /// The latent projection that takes away `gone`.
    pub(super) fn project(&mut self, graph: &Graph, gone: &NodeSet) -> Result<Graph, Spent> {
        let (projected, left) = graph.project_away_within(gone, self.left).ok_or(Spent)?;
        self.left = left;
        Ok(projected)
    }

    /// Runs a search on at most one `share`-th of what is left; what it does not use stays.
    pub(super) fn share<T>(&mut self, share: u64, search: impl FnOnce(&mut Self) -> T) -> T {
        let granted = self.left / share;
        let mut part = Self { left: granted };
        let result = search(&mut part);
        self.left -= granted - part.left;
        result
    }
}
