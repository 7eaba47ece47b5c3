//! Asking a forest: one row with the caller's room, many rows in parallel, and training rows out of bag.

use rayon::prelude::*;

use super::little_bags::debiased;
use super::moments::{Local, stride};
use super::trees::{LANES, NOWHERE};
use super::{Covariates, Forest, ForestError};
use crate::effect::Effect;

/// Rows asked together: a tree's nodes and leaves then stay in the nearest cache for all of them.
const BLOCK_ROWS: usize = 64;

/// Room for one question at a time, sized by [`Forest::scratch`].
#[derive(Clone, Debug)]
pub struct Scratch(Block);

/// Room for the questions of some rows.
#[derive(Clone, Debug)]
struct Block {
    /// Codes, row by row.
    codes: Vec<u16>,
    /// Leaves, tree by tree and in each row by row.
    leaves: Vec<u32>,
    /// The rows that hear the bag in hand.
    hearing: Vec<usize>,
    /// Sums over the trees of the leaves' numbers, row by row.
    sums: Vec<f64>,
    answers: Vec<Answer>,
    /// What makes a leaf's influences of its numbers, row by row and output by output.
    factors: Vec<f64>,
    /// Squares of the bags' mean influences, and of the trees', row by row and output by output.
    between: Vec<f64>,
    total: Vec<f64>,
    local: Local,
}

/// What else is counted for a row.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    /// Trees that were not heard or have no estimation rows like this one.
    silent: usize,
    /// Mean weight of the leaves of the others.
    weight: f64,
    /// Bags without a silent tree.
    bags: usize,
}

/// What a forest knows not to be.
const UNKNOWN: Effect = Effect {
    tau: f64::NAN,
    std_error: f64::NAN,
};

impl Forest {
    /// Room for [`Forest::predict`].
    pub fn scratch(&self) -> Scratch {
        Scratch(self.block(1))
    }

    fn block(&self, rows: usize) -> Block {
        let (stride, outputs) = (stride(self.trees.k), self.outputs());
        Block {
            codes: vec![0; self.code_width() * rows],
            leaves: vec![NOWHERE; self.trees.roots.len() * rows],
            hearing: Vec::with_capacity(rows),
            sums: vec![0.0; stride * rows],
            answers: vec![Answer::default(); rows],
            factors: vec![0.0; outputs * stride * rows],
            between: vec![0.0; outputs * rows],
            total: vec![0.0; outputs * rows],
            local: Local::new(self.trees.k),
        }
    }

    /// Codes of a row: there is one to read even where there is no feature.
    fn code_width(&self) -> usize {
        (2 * self.coder.width()).max(1)
    }

    /// Writes the estimates at one row `x` (p numbers in the order of [`Forest::columns`], NaN being missing) with
    /// their little-bags errors into `out` ([`Forest::outputs`] of them). Allocates nothing.
    ///
    /// NaN says that no tree has estimation rows like `x`, or that the treatment does not vary among them. The error
    /// is that of the forest about its own mean: it holds no smoothing bias.
    ///
    /// # Errors
    /// Another number of columns or outputs, or room made by another forest.
    pub fn predict(&self, x: &[f64], scratch: &mut Scratch, out: &mut [Effect]) -> Result<(), ForestError> {
        let p = self.coder.columns().len();
        if x.len() != p {
            return Err(ForestError::Columns {
                found: x.len(),
                expected: p,
            });
        }
        let block = &mut scratch.0;
        let fits = block.codes.len() == self.code_width()
            && block.leaves.len() == self.trees.roots.len()
            && block.local.tau.len() == self.trees.k;
        if !fits || out.len() != self.outputs() {
            return Err(ForestError::Parts("the room given was made for another forest"));
        }
        self.coder.encode(x, &mut block.codes);
        self.find_in_trees(block);
        self.answer(block, 1, out);
        Ok(())
    }

    /// The estimates for every row of a table, row by row ([`Forest::outputs`] for each), in parallel.
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    pub fn predict_all(&self, x: &Covariates) -> Result<Vec<Effect>, ForestError> {
        self.check_columns(x)?;
        Ok(self.rows(x, |_, _| true))
    }

    /// As [`Forest::predict_all`], row i hearing the bags for which `hears(i, bag)` only.
    pub(super) fn rows(&self, x: &Covariates, hears: impl Fn(usize, usize) -> bool + Sync) -> Vec<Effect> {
        let (outputs, width) = (self.outputs(), self.code_width());
        let mut all = vec![UNKNOWN; x.n() * outputs];
        all.par_chunks_mut(BLOCK_ROWS * outputs)
            .enumerate()
            .for_each_init(
                || (self.block(BLOCK_ROWS), vec![0.0; x.columns().len()]),
                |(room, row), (number, out)| {
                    let (first, rows) = (number * BLOCK_ROWS, out.len() / outputs);
                    for r in 0..rows {
                        row.iter_mut().zip(x.row(first + r)).for_each(|(to, v)| *to = *v);
                        self.coder
                            .encode(row, &mut room.codes[r * width..(r + 1) * width]);
                    }
                    self.find_in_rows(room, rows, |r, bag| hears(first + r, bag));
                    self.answer(room, rows, out);
                },
            );
        all
    }

    pub(super) fn check_columns(&self, x: &Covariates) -> Result<(), ForestError> {
        if x.columns() == self.coder.columns() {
            Ok(())
        } else {
            Err(ForestError::Columns {
                found: x.columns().len(),
                expected: self.coder.columns().len(),
            })
        }
    }

    /// Finds the leaves of the one row coded in a block, some trees side by side.
    fn find_in_trees(&self, block: &mut Block) {
        if self.trees.nodes.is_empty() {
            block.leaves.fill(NOWHERE);
            return;
        }
        let trees = self.trees.roots.chunks(LANES);
        for (roots, leaves) in trees.zip(block.leaves.chunks_mut(LANES)) {
            let mut at = [0; LANES];
            at.iter_mut().zip(roots).for_each(|(at, &root)| *at = root);
            at.iter_mut().filter(|at| **at == NOWHERE).for_each(|at| *at = 0);
            let found = self.trees.walk(at, &[0; LANES], &block.codes);
            for ((leaf, &root), found) in leaves.iter_mut().zip(roots).zip(found) {
                *leaf = if root == NOWHERE { NOWHERE } else { found };
            }
        }
    }

    /// Finds the leaves of the first `rows` rows coded in a block, some rows side by side.
    fn find_in_rows(&self, block: &mut Block, rows: usize, hears: impl Fn(usize, usize) -> bool) {
        let (width, bag) = (self.code_width(), self.trees.bag);
        let hearing = &mut block.hearing;
        let bags = self.trees.roots.chunks(bag);
        for (number, (roots, leaves)) in bags.zip(block.leaves.chunks_mut(bag * rows)).enumerate() {
            leaves.fill(NOWHERE);
            hearing.clear();
            hearing.extend((0..rows).filter(|&r| hears(r, number)));
            let trees = roots.iter().zip(leaves.chunks_mut(rows));
            for (&root, leaves) in trees.filter(|(root, _)| **root != NOWHERE) {
                for lanes in hearing.chunks(LANES) {
                    let mut base = [0; LANES];
                    base.iter_mut().zip(lanes).for_each(|(b, r)| *b = r * width);
                    let found = self.trees.walk([root; LANES], &base, &block.codes);
                    lanes.iter().zip(found).for_each(|(&r, leaf)| leaves[r] = leaf);
                }
            }
        }
    }

    /// Answers the first `rows` rows from the leaves found. Each row's sums run over the trees in their order, whatever
    /// the block, so that one row and many give the same bits.
    fn answer(&self, block: &mut Block, rows: usize, out: &mut [Effect]) {
        // One treatment is the usual case: with its numbers known beforehand the loops over them unroll.
        match stride(self.trees.k) {
            5 => self.answer_of::<5>(block, rows, out),
            _ => self.answer_of::<0>(block, rows, out),
        }
    }

    /// [`Forest::answer`] for leaves of `STRIDE` numbers; 0 says that there are any number.
    fn answer_of<const STRIDE: usize>(&self, block: &mut Block, rows: usize, out: &mut [Effect]) {
        let (stride, outputs) = match STRIDE {
            0 => (stride(self.trees.k), self.outputs()),
            _ => (STRIDE, 1),
        };
        let (trees, bag) = (self.trees.roots.len(), self.trees.bag);
        let numbers = |leaf: u32| {
            let start = leaf as usize * stride;
            self.trees.leaves.get(start..start + stride)
        };
        let leaves = &block.leaves[..trees * rows];
        let answers = &mut block.answers[..rows];
        answers.fill(Answer::default());
        block.sums.fill(0.0);
        for leaves in leaves.chunks_exact(rows) {
            let rows = block.sums.chunks_exact_mut(stride).zip(answers.iter_mut());
            for ((sums, answer), &leaf) in rows.zip(leaves) {
                match numbers(leaf) {
                    Some(leaf) => sums.iter_mut().zip(leaf).for_each(|(s, a)| *s += a),
                    None => answer.silent += 1,
                }
            }
        }
        let factors = block.factors.chunks_exact_mut(outputs * stride);
        let rows_of = block.sums.chunks_exact(stride).zip(factors);
        for (((sums, factors), answer), out) in rows_of.zip(answers.iter_mut()).zip(out.chunks_mut(outputs)) {
            answer.weight = sums[0] / (trees - answer.silent).max(1) as f64;
            block.local.sums.copy_from_slice(sums);
            out.fill(UNKNOWN);
            factors.fill(f64::NAN);
            if block.local.solve() {
                block.local.estimates(out);
                block.local.factors(factors);
            }
        }
        block.between.fill(0.0);
        block.total.fill(0.0);
        let share = 1.0 / bag as f64;
        for leaves in leaves.chunks_exact(bag * rows) {
            'rows: for (r, answer) in answers.iter_mut().enumerate() {
                for a in r * outputs..(r + 1) * outputs {
                    let factors = &block.factors[a * stride..][..stride];
                    let (mut sum, mut squares) = (0.0, 0.0);
                    for &leaf in leaves[r..].iter().step_by(rows) {
                        let Some(leaf) = numbers(leaf) else { continue 'rows };
                        let influence: f64 = factors.iter().zip(leaf).map(|(f, l)| f * l).sum();
                        sum += influence;
                        squares += influence * influence;
                    }
                    block.between[a] += sum * share * (sum * share);
                    block.total[a] += squares;
                }
                answer.bags += 1;
            }
        }
        // Influences are of averages over trees; dividing by the mean weight makes them those of the estimates.
        for (a, out) in out.iter_mut().enumerate() {
            let Answer { weight, bags, .. } = answers[a / outputs];
            let scale = 1.0 / (bags as f64 * weight * weight);
            let (between, total) = (block.between[a] * scale, block.total[a] * scale * share);
            if bags >= 2 && !out.tau.is_nan() {
                out.std_error = debiased(between, total, bag, bags).sqrt();
            }
        }
    }
}
