//! The search for a node's best split: one pass over its rows in the order of a feature.

mod many;
mod mean;
mod one;

pub(super) use many::Many;
pub(super) use mean::Mean;
pub(super) use one::One;

use super::ForestParams;
use super::sample::Sample;

/// What a split is to gain, and what it must leave on either side. Rows are named by their position in the tree's
/// splitting sample.
pub(super) trait Criterion: Send {
    /// A criterion for trees of a sample.
    fn new(sample: &Sample, params: &ForestParams) -> Self;

    /// Fewest rows of a node that can be split.
    fn rows_min(&self) -> usize;

    /// Takes the rows of a tree's splitting sample.
    fn load(&mut self, sample: &Sample, rows: &[u32]);

    /// Makes a node's pseudo-outcomes; false where it must be a leaf.
    fn relabel(&mut self, node: &[u32]) -> bool;

    /// Empties the left side.
    fn start(&mut self);

    /// Puts one row on the left side.
    fn add(&mut self, row: usize);

    /// What is gained by splitting here; nothing or less where a side would be too small.
    fn gain(&self) -> f64;
}

/// A split: rows whose `feature` has a code of at most `code` go left, and the missing ones where they fit better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) code: u16,
    pub(super) missing_right: bool,
    pub(super) gain: f64,
}

impl Split {
    /// No split yet; only one that gains something replaces it.
    pub(super) const NONE: Split = Split {
        feature: 0,
        code: 0,
        missing_right: false,
        gain: 0.0,
    };

    /// Whether a row with this code goes left.
    pub(super) fn left(&self, code: u16) -> bool {
        code <= self.code && !(code == 0 && self.missing_right)
    }
}

/// Tries every split of a node on one feature: `order` holds its rows by rising code, `codes` the code of every row.
pub(super) fn scan<C: Criterion>(c: &mut C, feature: usize, order: &[u32], codes: &[u16], best: &mut Split) {
    let code = |at: usize| codes[order[at] as usize];
    let Some(last) = order.len().checked_sub(1) else {
        return;
    };
    if code(0) == code(last) {
        return;
    }
    pass(c, feature, order, codes, false, best);
    if code(0) == 0 {
        let known = order.partition_point(|&i| codes[i as usize] == 0);
        pass(c, feature, &order[known..], codes, true, best);
    } else if best.feature == feature && best.gain > 0.0 {
        // Nothing is missing here; what is missing later goes with the larger side.
        let left = order.partition_point(|&i| codes[i as usize] <= best.code);
        best.missing_right = 2 * left < order.len();
    }
}

fn pass<C: Criterion>(
    c: &mut C,
    feature: usize,
    order: &[u32],
    codes: &[u16],
    missing_right: bool,
    best: &mut Split,
) {
    let Some((&first, rest)) = order.split_first() else {
        return;
    };
    c.start();
    let mut row = first as usize;
    let mut here = codes[row];
    for &next_row in rest {
        c.add(row);
        row = next_row as usize;
        let next = codes[row];
        if next != here {
            let gain = c.gain();
            if gain > best.gain {
                // Between the two codes, as a threshold would lie between two values; missing is no value to halve.
                let code = if here == 0 { 0 } else { here + (next - here) / 2 };
                *best = Split {
                    feature,
                    code,
                    missing_right,
                    gain,
                };
            }
            here = next;
        }
    }
}
