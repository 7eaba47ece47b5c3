//! The search for a node's best split: one pass over its rows in the order of a feature.

mod many;
mod mean;
mod one;

pub(super) use many::Many;
pub(super) use mean::Mean;
pub(super) use one::One;

use super::ForestParams;
use super::sample::TrainingRows;

/// What a split is to gain, and what it must leave on either side. Rows are named by their position in the tree's
/// splitting sample.
pub(super) trait Criterion: Send {
    /// A criterion for trees of a sample.
    fn new(sample: &TrainingRows, params: &ForestParams) -> Self;

    /// Fewest rows of a node that can be split.
    fn rows_min(&self) -> usize;

    /// Takes the rows of a tree's splitting sample.
    fn load(&mut self, sample: &TrainingRows, rows: &[u32]);

    /// Makes a node's pseudo-outcomes; false where it must be a leaf.
    fn relabel(&mut self, node: &[u32]) -> bool;

    /// Empties the left side.
    fn start(&mut self);

    /// Puts one row on the left side.
    fn add(&mut self, row: usize);

    /// What is gained by splitting here; nothing or less where a side would be too small.
    fn gain(&self) -> f64;
}

/// Rows that a side of a split keeps below the mean treatment, and at or above it: `2 min_node` parted as the sample's own
/// rows are, one of each at least. Where as many are treated as not, that is `min_node` each; where few are, asking as
/// many of them would end a tree long before the others run short.
fn rows_asked(min_node: usize, d: impl ExactSizeIterator<Item = f64> + Clone) -> [usize; 2] {
    let n = d.len() as f64;
    let mean = d.clone().sum::<f64>() / n;
    let low = d.filter(|d| *d < mean).count() as f64 / n;
    let asked = |share: f64| ((2.0 * min_node as f64 * share).round() as usize).max(1);
    [asked(low), asked(1.0 - low)]
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

#[cfg(test)]
mod tests {
    use ceteris_effect::forest::Covariates;
    use ceteris_stats::{Unit, uniform};
    use ndarray::Array2;

    use super::*;
    use crate::forest::codes::coder_of;
    use crate::forest::sample::Targets;

    #[test]
    fn a_side_keeps_rows_by_the_arms_shares() {
        let asked = |treated: usize| rows_asked(3, (0..100).map(|i| f64::from(u8::from(i < treated))));
        assert_eq!(asked(50), [3, 3]);
        assert_eq!(asked(19), [5, 1]);
        assert_eq!(asked(95), [1, 6]);
        assert_eq!(asked(2), [6, 1]);
    }

    #[test]
    fn one_treatment_gains_the_same_by_either_engine() {
        let number = |i: usize, j: u64| uniform(3, &(i as u64).to_le_bytes(), j);
        let n = 200;
        let x = Covariates::numeric(Array2::from_shape_fn((n, 1), |(i, _)| number(i, 0))).unwrap();
        let d: Vec<f64> = (0..n)
            .map(|i| f64::from(u8::from(number(i, 1) < 0.3)) - 0.3)
            .collect();
        let y: Vec<f64> = (0..n).map(|i| d[i] * number(i, 0) + number(i, 2)).collect();
        let w: Vec<f64> = (0..n).map(|i| 1.0 + (i % 3) as f64).collect();
        let coder = coder_of(&x).unwrap();
        let sample = TrainingRows::new(&coder, &x, &Unit::one_per_row(n), &w, Targets { y, d, k: 1 });
        let params = ForestParams::default();
        let rows: Vec<u32> = (0..n as u32).collect();
        let (mut one, mut many) = (One::new(&sample, &params), Many::new(&sample, &params));
        one.load(&sample, &rows);
        many.load(&sample, &rows);
        assert!(one.relabel(&rows) && many.relabel(&rows) && one.rows_min() == many.rows_min());
        one.start();
        many.start();
        let mut some = 0;
        for row in 0..n - 1 {
            one.add(row);
            many.add(row);
            let (a, b) = (one.gain(), many.gain());
            assert!(a == b || (a - b).abs() < 1e-9 * a.abs(), "{row}: {a} {b}");
            some += usize::from(a > 0.0);
        }
        assert!(some > n / 2);
    }
}
