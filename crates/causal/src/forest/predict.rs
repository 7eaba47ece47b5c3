//! Asking a forest: one row with the caller's room, many rows in parallel, and training rows out of bag.

use rayon::prelude::*;

use super::little_bags::debiased;
use super::moments::{Local, stride};
use super::trees::NOWHERE;
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
    rows: Vec<Answer>,
}

/// One row's answer in the making.
#[derive(Clone, Debug)]
struct Answer {
    local: Local,
    /// Trees that have estimation rows like this one.
    heard: usize,
    /// Mean weight of their leaves.
    weight: f64,
    /// Whether there is a solution.
    solved: bool,
    /// Bags all of whose trees were heard.
    bags: usize,
    /// Squares of the bags' mean influences, and of the trees', for each output.
    between: Vec<f64>,
    total: Vec<f64>,
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
        let answer = Answer {
            local: Local::new(self.trees.k),
            heard: 0,
            weight: 0.0,
            solved: false,
            bags: 0,
            between: vec![0.0; self.outputs()],
            total: vec![0.0; self.outputs()],
        };
        Block {
            codes: vec![0; 2 * self.coder.width() * rows],
            leaves: vec![NOWHERE; self.trees.roots.len() * rows],
            rows: vec![answer; rows],
        }
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
        let fits = block.codes.len() == 2 * self.coder.width()
            && block.leaves.len() == self.trees.roots.len()
            && block.rows[0].local.tau.len() == self.trees.k;
        if !fits || out.len() != self.outputs() {
            return Err(ForestError::Parts("the room given was made for another forest"));
        }
        self.coder.encode(x, &mut block.codes);
        self.ask(block, 1, |_, _| true, out);
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
        let (outputs, width) = (self.outputs(), 2 * self.coder.width());
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
                    self.ask(room, rows, |r, bag| hears(first + r, bag), out);
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

    /// Answers the first `rows` rows coded in a block. Each row's sums run over the trees in their order, whatever the
    /// block, so that one row and many give the same bits.
    fn ask(&self, block: &mut Block, rows: usize, hears: impl Fn(usize, usize) -> bool, out: &mut [Effect]) {
        let (stride, width, bag) = (stride(self.trees.k), 2 * self.coder.width(), self.trees.bag);
        let leaf_at = |leaf: u32| &self.trees.leaves[leaf as usize * stride..(leaf as usize + 1) * stride];
        let Block {
            codes,
            leaves,
            rows: answers,
        } = block;
        let answers = &mut answers[..rows];
        answers.iter_mut().for_each(Answer::clear);
        for (t, (&root, leaves)) in self.trees.roots.iter().zip(leaves.chunks_mut(rows)).enumerate() {
            for (r, (leaf, answer)) in leaves.iter_mut().zip(answers.iter_mut()).enumerate() {
                *leaf = NOWHERE;
                if hears(r, t / bag) {
                    *leaf = self.trees.leaf(root, &codes[r * width..(r + 1) * width]);
                }
                if *leaf != NOWHERE {
                    answer.heard += 1;
                    answer
                        .local
                        .sums
                        .iter_mut()
                        .zip(leaf_at(*leaf))
                        .for_each(|(s, a)| *s += a);
                }
            }
        }
        for answer in answers.iter_mut() {
            answer.weight = answer.local.sums[0] / answer.heard.max(1) as f64;
            answer.solved = answer.heard > 0 && answer.local.solve();
        }
        for leaves in leaves.chunks(bag * rows).take(self.trees.roots.len() / bag) {
            for (r, answer) in answers.iter_mut().enumerate().filter(|(_, a)| a.solved) {
                let own = || leaves.iter().skip(r).step_by(rows);
                if own().any(|&leaf| leaf == NOWHERE) {
                    continue;
                }
                answer.bags += 1;
                answer.local.bag.fill(0.0);
                for &leaf in own() {
                    answer.local.influence_of(leaf_at(leaf));
                    answer.add_tree();
                }
                answer.add_bag(bag);
            }
        }
        for (out, answer) in out.chunks_mut(self.outputs()).zip(answers) {
            answer.write(bag, out);
        }
    }
}

impl Answer {
    fn clear(&mut self) {
        self.local.sums.fill(0.0);
        self.between.fill(0.0);
        self.total.fill(0.0);
        (self.heard, self.bags, self.solved) = (0, 0, false);
    }

    #[inline(always)]
    fn add_tree(&mut self) {
        let influences = self.local.influence.iter().zip(&mut self.local.bag);
        for ((influence, bag), total) in influences.zip(&mut self.total) {
            *bag += influence;
            *total += influence * influence;
        }
    }

    #[inline(always)]
    fn add_bag(&mut self, trees: usize) {
        for (bag, between) in self.local.bag.iter().zip(&mut self.between) {
            let mean = bag / trees as f64;
            *between += mean * mean;
        }
    }

    /// Influences are of averages over trees; dividing by the mean weight makes them those of the estimates.
    fn write(&self, trees: usize, out: &mut [Effect]) {
        if !self.solved {
            out.fill(UNKNOWN);
            return;
        }
        let scale = 1.0 / (self.bags as f64 * self.weight * self.weight);
        for (a, out) in out.iter_mut().enumerate() {
            let (between, total) = (self.between[a] * scale, self.total[a] * scale / trees as f64);
            *out = Effect {
                tau: self.local.tau.get(a).copied().unwrap_or(self.local.mu),
                std_error: if self.bags < 2 {
                    f64::NAN
                } else {
                    debiased(between, total, trees, self.bags).sqrt()
                },
            };
        }
    }
}
