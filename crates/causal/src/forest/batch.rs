//! Asking a forest many rows: blocks of them in parallel, each through one tree after another.

use rayon::prelude::*;

use super::answer::{Answers, UNKNOWN};
use super::sweep::{GROUP, Group};
use super::trees::{LANES, NOWHERE};
use super::{Covariates, Forest};
use crate::effect::Effect;

/// Rows asked together. More of them share a tree's way into the nearest cache; their leaves, four bytes a tree and
/// row, are to stay in the second one until they are answered.
const BLOCK_ROWS: usize = 4 * GROUP;
/// Fewest rows that are swept through a tree; fewer walk.
const SWEEP_ROWS_MIN: usize = 16;

/// Whether row i hears a bag.
pub(super) type Hears<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// Room for the questions of some rows.
struct Block {
    row: Vec<f64>,
    /// Codes, group by group and in each column by column.
    codes: Vec<Group>,
    /// Leaves, tree by tree and in each row by row.
    leaves: Vec<u32>,
    /// The rows that hear the bag in hand.
    hearing: Vec<usize>,
    /// The leaves in the tree in hand of all rows, hearing or not.
    found: Vec<u32>,
    answers: Answers,
}

impl Forest {
    /// The estimates for every row of a table; where `hears` is given, row i hears those bags only for which it says so.
    pub(super) fn rows(&self, x: &Covariates, hears: Option<Hears<'_>>) -> Vec<Effect> {
        let outputs = self.outputs();
        let mut all = vec![UNKNOWN; x.n() * outputs];
        all.par_chunks_mut(BLOCK_ROWS * outputs)
            .enumerate()
            .for_each_init(
                || self.block(),
                |room, (number, out)| self.ask(room, x, number * BLOCK_ROWS, hears, out),
            );
        all
    }

    fn block(&self) -> Block {
        Block {
            row: vec![0.0; self.coder.columns().len()],
            codes: vec![Group::default(); self.code_width() * (BLOCK_ROWS / GROUP)],
            leaves: vec![NOWHERE; self.trees.roots.len() * BLOCK_ROWS],
            hearing: Vec::with_capacity(BLOCK_ROWS),
            found: vec![NOWHERE; BLOCK_ROWS],
            answers: Answers::new(self.trees.k, BLOCK_ROWS),
        }
    }

    /// Answers the rows of a block, by the widest registers that this processor has.
    fn ask(&self, room: &mut Block, x: &Covariates, first: usize, hears: Option<Hears<'_>>, out: &mut [Effect]) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn wide(
                    forest: &Forest,
                    room: &mut Block,
                    x: &Covariates,
                    first: usize,
                    hears: Option<Hears<'_>>,
                    out: &mut [Effect],
                ) {
                    forest.ask_any(room, x, first, hears, out);
                }
                // SAFETY: the processor has been asked for what the function needs.
                #[allow(unsafe_code)]
                return unsafe { wide(self, room, x, first, hears, out) };
            }
        }
        self.ask_any(room, x, first, hears, out);
    }

    #[inline(always)]
    fn ask_any(&self, room: &mut Block, x: &Covariates, first: usize, hears: Option<Hears<'_>>, out: &mut [Effect]) {
        let (rows, width) = (out.len() / self.outputs(), self.code_width());
        for r in 0..rows {
            room.row.iter_mut().zip(x.row(first + r)).for_each(|(to, v)| *to = *v);
            let group = &mut room.codes[r / GROUP * width..][..width];
            self.coder.encode_lane(&room.row, group, r % GROUP);
        }
        self.find_in_rows(room, rows, first, hears);
        let leaves = &room.leaves[..self.trees.roots.len() * rows];
        room.answers.answer(&self.trees, leaves, rows, out);
    }

    /// Finds the leaves of the first `rows` rows coded in a block.
    #[inline(always)]
    fn find_in_rows(&self, block: &mut Block, rows: usize, first: usize, hears: Option<Hears<'_>>) {
        let (width, bag) = (self.code_width(), self.trees.bag);
        let Block {
            codes,
            leaves,
            hearing,
            found,
            ..
        } = block;
        let codes = &codes[..rows.div_ceil(GROUP) * width];
        hearing.clear();
        hearing.extend(0..rows);
        for (tree, leaves) in leaves.chunks_exact_mut(rows).enumerate().take(self.trees.roots.len()) {
            if let Some(hears) = hears && tree.is_multiple_of(bag) {
                hearing.clear();
                hearing.extend((0..rows).filter(|&r| hears(first + r, tree / bag)));
            }
            if self.sweeps.has(tree) && hearing.len() >= SWEEP_ROWS_MIN {
                if hearing.len() == rows {
                    self.sweeps.sweep(tree, codes, width, leaves);
                } else {
                    leaves.fill(NOWHERE);
                    self.sweeps.sweep(tree, codes, width, &mut found[..rows]);
                    hearing.iter().for_each(|&r| leaves[r] = found[r]);
                }
                continue;
            }
            leaves.fill(NOWHERE);
            let root = self.trees.roots[tree];
            if root == NOWHERE {
                continue;
            }
            for lanes in hearing.chunks(LANES) {
                let mut of = [0; LANES];
                of.iter_mut().zip(lanes).for_each(|(of, r)| *of = *r);
                let found = self.trees.walk([root; LANES], |lane, feature| {
                    let r = of[lane];
                    codes[r / GROUP * width + feature].as_flattened()[r % GROUP] as u16 ^ 0x8000
                });
                lanes.iter().zip(found).for_each(|(&r, leaf)| leaves[r] = leaf);
            }
        }
    }
}
