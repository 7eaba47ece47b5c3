//! From the leaves of some rows to their effects: sums over the trees, the local solution, the variance between bags.

use super::little_bags::debiased;
use super::moments::{Local, stride};
use super::trees::Trees;
use crate::Effect;

/// What a forest knows not to be.
pub(super) const UNKNOWN: Effect = Effect {
    tau: f64::NAN,
    std_error: f64::NAN,
};

/// Numbers of a leaf of one treatment, the usual case. With their number known beforehand the loops over them unroll.
const ONE: usize = stride(1);

/// Room for answering some rows.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    /// Sums over the trees of the leaves' numbers, row by row.
    sums: Vec<f64>,
    silences: Vec<Silences>,
    /// What makes a leaf's influences of its numbers, row by row and output by output.
    factors: Vec<f64>,
    /// Row by row and output by output.
    spreads: Vec<Spread>,
    local: Local,
}

/// What a row did not hear, or where there are no estimation rows like it.
#[derive(Clone, Copy, Debug, Default)]
struct Silences {
    trees: usize,
    /// Bags with such a tree.
    bags: usize,
}

/// Sums over the bags.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    /// Squares of the bags' mean influences.
    between: f64,
    /// Squares of the trees' influences.
    total: f64,
}

impl Answers {
    /// Room for a number of rows.
    pub(super) fn new(k: usize, rows: usize) -> Self {
        let (stride, outputs) = (stride(k), k.max(1));
        Answers {
            sums: vec![0.0; stride * rows],
            silences: vec![Silences::default(); rows],
            factors: vec![0.0; outputs * stride * rows],
            spreads: vec![Spread::default(); outputs * rows],
            local: Local::new(k),
        }
    }

    /// Whether it was made for this number of treatments.
    pub(super) fn fit(&self, k: usize) -> bool {
        self.local.tau.len() == k
    }

    /// Answers some rows from their leaves, tree by tree and in each row by row. Each row's sums run over the trees in
    /// their order, whatever the block, so that one row and many give the same bits.
    #[inline(always)]
    pub(super) fn answer(&mut self, trees: &Trees, leaves: &[u32], rows: usize, out: &mut [Effect]) {
        self.silences.fill(Silences::default());
        self.sums.fill(0.0);
        self.spreads.fill(Spread::default());
        let usual = trees.k == 1 && trees.bag == 2;
        if usual {
            self.add_pairs(trees, leaves, rows);
        } else {
            self.add(trees, leaves, rows);
        }
        self.solve(trees, out);
        if usual {
            self.spread_pairs(trees, leaves, rows);
        } else {
            self.spread(trees, leaves, rows);
        }
        self.conclude(trees, out);
    }

    /// Adds up the leaves of every row.
    fn add(&mut self, trees: &Trees, leaves: &[u32], rows: usize) {
        let stride = stride(trees.k);
        for leaves in leaves.chunks_exact(rows) {
            let rows_of = self.sums.chunks_exact_mut(stride).zip(&mut self.silences);
            for ((sums, silences), &leaf) in rows_of.zip(leaves) {
                match trees.leaf(leaf) {
                    Some(leaf) => sums.iter_mut().zip(leaf).for_each(|(s, a)| *s += a),
                    None => silences.trees += 1,
                }
            }
        }
    }

    /// [`Answers::add`] for one treatment and bags of two.
    #[inline(always)]
    fn add_pairs(&mut self, trees: &Trees, leaves: &[u32], rows: usize) {
        let (table, _) = trees.leaves.as_chunks::<ONE>();
        let (sums, _) = self.sums.as_chunks_mut::<ONE>();
        for leaves in leaves.chunks_exact(2 * rows) {
            let (first, second) = leaves.split_at(rows);
            let rows_of = sums.iter_mut().zip(&mut self.silences);
            for ((sums, silences), (&first, &second)) in rows_of.zip(first.iter().zip(second)) {
                let mut added = *sums;
                for leaf in [first, second] {
                    match table.get(leaf as usize) {
                        Some(leaf) => added.iter_mut().zip(leaf).for_each(|(s, a)| *s += a),
                        None => silences.trees += 1,
                    }
                }
                *sums = added;
            }
        }
    }

    /// Solves for every row's effects.
    fn solve(&mut self, trees: &Trees, out: &mut [Effect]) {
        let (stride, outputs) = (stride(trees.k), trees.k.max(1));
        let factors = self.factors.chunks_exact_mut(outputs * stride);
        let rows_of = self.sums.chunks_exact(stride).zip(factors);
        for ((sums, factors), out) in rows_of.zip(out.chunks_mut(outputs)) {
            self.local.sums.copy_from_slice(sums);
            out.fill(UNKNOWN);
            factors.fill(f64::NAN);
            if self.local.solve() {
                self.local.estimates(out);
                self.local.factors(factors);
            }
        }
    }

    /// Adds up the squares of influences in the bags that a row hears without a silent tree.
    fn spread(&mut self, trees: &Trees, leaves: &[u32], rows: usize) {
        let (stride, outputs) = (stride(trees.k), trees.k.max(1));
        let share = 1.0 / trees.bag as f64;
        for leaves in leaves.chunks_exact(trees.bag * rows) {
            'rows: for (r, silences) in self.silences[..rows].iter_mut().enumerate() {
                for a in r * outputs..(r + 1) * outputs {
                    let factors = &self.factors[a * stride..][..stride];
                    let (mut sum, mut squares) = (0.0, 0.0);
                    for &leaf in leaves[r..].iter().step_by(rows) {
                        let Some(leaf) = trees.leaf(leaf) else {
                            silences.bags += 1;
                            continue 'rows;
                        };
                        let influence = product(factors, leaf);
                        sum += influence;
                        squares += influence * influence;
                    }
                    self.spreads[a].add(sum * share, squares);
                }
            }
        }
    }

    /// [`Answers::spread`] for one treatment and bags of two.
    #[inline(always)]
    fn spread_pairs(&mut self, trees: &Trees, leaves: &[u32], rows: usize) {
        let (table, _) = trees.leaves.as_chunks::<ONE>();
        let (factors, _) = self.factors.as_chunks::<ONE>();
        for leaves in leaves.chunks_exact(2 * rows) {
            let (first, second) = leaves.split_at(rows);
            let rows_of = factors.iter().zip(&mut self.spreads).zip(&mut self.silences);
            for (((factors, spread), silences), (&first, &second)) in rows_of.zip(first.iter().zip(second)) {
                let (Some(first), Some(second)) = (table.get(first as usize), table.get(second as usize))
                else {
                    silences.bags += 1;
                    continue;
                };
                let (first, second) = (product(factors, first), product(factors, second));
                spread.add((first + second) * 0.5, first * first + second * second);
            }
        }
    }

    /// Writes the errors.
    fn conclude(&mut self, trees: &Trees, out: &mut [Effect]) {
        let (stride, outputs) = (stride(trees.k), trees.k.max(1));
        let share = 1.0 / trees.bag as f64;
        for (a, (out, spread)) in out.iter_mut().zip(&self.spreads).enumerate() {
            let row = a / outputs;
            let silences = self.silences[row];
            let bags = trees.roots.len() / trees.bag - silences.bags;
            let weight = self.sums[row * stride] / (trees.roots.len() - silences.trees).max(1) as f64;
            // Influences are of averages over trees; dividing by the mean weight makes them those of the estimates.
            let scale = 1.0 / (bags as f64 * weight * weight);
            let (between, total) = (spread.between * scale, spread.total * scale * share);
            if bags >= 2 && !out.tau.is_nan() {
                out.std_error = debiased(between, total, trees.bag, bags).sqrt();
            }
        }
    }
}

impl Spread {
    #[inline(always)]
    fn add(&mut self, mean: f64, squares: f64) {
        self.between += mean * mean;
        self.total += squares;
    }
}

#[inline(always)]
fn product(factors: &[f64], leaf: &[f64]) -> f64 {
    factors.iter().zip(leaf).map(|(f, l)| f * l).sum()
}
