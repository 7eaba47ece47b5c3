//! Asking a forest many rows: blocks of them in parallel, each through one tree after another.

use rayon::prelude::*;

use super::answer::{Answers, UNKNOWN};
use super::sweep::{GROUP, Group};
use super::trees::{LANES, NOWHERE};
use super::{Covariates, Forest};
use crate::Effect;

/// Rows asked together. More of them share a tree's way into the nearest cache; their leaves, four bytes a tree and
/// row, are to stay in the second one until they are answered.
const BLOCK_ROWS: usize = 2 * GROUP;
/// Fewest rows that are swept through a tree; fewer walk.
const SWEEP_ROWS_MIN: usize = 16;

/// Whether row i hears a bag: `hears(row, bag)`.
pub type Hears<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// The rows of `x` from `first` on.
#[derive(Clone, Copy)]
struct Question<'a> {
    x: &'a Covariates,
    first: usize,
    hears: Option<Hears<'a>>,
}

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
                |room, (number, out)| {
                    let first = number * BLOCK_ROWS;
                    self.ask(room, Question { x, first, hears }, out);
                },
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

    /// Answers the rows of a block, by wider registers than every processor has where this one has them. Numbers are
    /// added in the same order and never fused, so the bits are the same.
    fn ask(&self, room: &mut Block, question: Question<'_>, out: &mut [Effect]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn wide(forest: &Forest, room: &mut Block, question: Question<'_>, out: &mut [Effect]) {
                forest.ask_by_any(room, question, out);
            }
            // SAFETY: the function is safe but for its demand on the processor, which has just been asked.
            #[allow(
                unsafe_code,
                reason = "a call that the processor must be asked for is unsafe by definition"
            )]
            return unsafe { wide(self, room, question, out) };
        }
        self.ask_by_any(room, question, out);
    }

    #[inline(always)]
    fn ask_by_any(&self, room: &mut Block, question: Question<'_>, out: &mut [Effect]) {
        let Question { x, first, hears } = question;
        let (rows, width) = (out.len() / self.outputs(), self.code_width());
        for r in 0..rows {
            room.row
                .iter_mut()
                .zip(x.row(first + r))
                .for_each(|(to, v)| *to = *v);
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
        for (tree, leaves) in leaves
            .chunks_exact_mut(rows)
            .enumerate()
            .take(self.trees.roots.len())
        {
            if let Some(hears) = hears
                && tree.is_multiple_of(bag)
            {
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

#[cfg(test)]
mod tests {
    use super::super::random::{covariates, forest};
    use super::*;

    fn bits(effects: &[Effect]) -> Vec<[u64; 2]> {
        let of = |e: &Effect| [e.tau.to_bits(), e.std_error.to_bits()];
        effects.iter().map(of).collect()
    }

    /// One row after the other: a walk through each tree heard, answered alone.
    fn one_by_one(forest: &Forest, x: &Covariates, hears: Hears<'_>) -> Vec<Effect> {
        let (mut codes, mut out) = (vec![0; forest.code_width()], vec![UNKNOWN; forest.outputs()]);
        let mut answers = Answers::new(forest.treatments(), 1);
        let mut all = Vec::new();
        for i in 0..x.n() {
            forest.coder.encode(&x.row(i).to_vec(), &mut codes);
            let leaf = |(tree, &root): (usize, &u32)| {
                let heard = root != NOWHERE && hears(i, tree / forest.trees.bag);
                let leaf = |root| forest.trees.walk([root; LANES], |_, feature| codes[feature])[0];
                if heard { leaf(root) } else { NOWHERE }
            };
            let leaves: Vec<u32> = forest.trees.roots.iter().enumerate().map(leaf).collect();
            answers.answer(&forest.trees, &leaves, 1, &mut out);
            all.extend_from_slice(&out);
        }
        all
    }

    #[test]
    fn a_batch_answers_as_its_rows_do_one_by_one() {
        // Trees of a few leaves, of some hundred, and of more than are swept; one treatment, several, none.
        for (n, k, bag, leaves, swept) in [
            (60, 1, 2, 8, true),
            (700, 1, 2, 100, true),
            (700, 1, 3, 300, true),
            (700, 3, 2, 200, true),
            (700, 0, 2, 300, true),
            (700, 1, 2, 2_000, false),
        ] {
            let (x, forest) = (covariates(n), forest(k, bag, leaves));
            let trees = forest.trees();
            assert_eq!((0..trees).any(|t| forest.sweeps.has(t)), swept, "{n} {k}");
            for rows in [1, 15, 16, GROUP - 1, GROUP + 1, BLOCK_ROWS + 40] {
                let few = x.select(&(0..rows.min(n)).collect::<Vec<_>>());
                let all = one_by_one(&forest, &few, &|_, _| true);
                assert_eq!(
                    bits(&forest.predict_all(&few).unwrap()),
                    bits(&all),
                    "{n} {k} {rows}"
                );
                // Of three bags in turn a row hears none, some others, all.
                let hears = |row: usize, bag: usize| (row + bag) % 3 < row % 4;
                let heard = one_by_one(&forest, &few, &hears);
                assert_eq!(
                    bits(&forest.rows(&few, Some(&hears))),
                    bits(&heard),
                    "{n} {k} {rows}"
                );
                assert_ne!(bits(&heard), bits(&all));
            }
        }
    }

    #[test]
    fn every_width_of_registers_gives_the_same_bits() {
        let (x, forest) = (covariates(700), forest(1, 2, 100));
        let (mut wide, mut plain) = (vec![UNKNOWN; BLOCK_ROWS], vec![UNKNOWN; BLOCK_ROWS]);
        let question = Question {
            x: &x,
            first: 100,
            hears: None,
        };
        forest.ask(&mut forest.block(), question, &mut wide);
        forest.ask_by_any(&mut forest.block(), question, &mut plain);
        assert_eq!(bits(&wide), bits(&plain));
    }

    #[test]
    fn trees_without_estimation_rows_are_silent_in_a_batch_too() {
        let (x, mut forest) = (covariates(700), forest(1, 2, 100));
        let trees = &mut forest.trees;
        // The second tree of the first bag loses its nodes, and what lies behind it moves up.
        let (first, third) = (trees.roots[1] as usize, trees.roots[2] as usize);
        let gone = (third - first) as u32;
        let leaves = trees.nodes[first..third].iter().filter(|n| n.is_leaf()).count();
        let leaf = trees.nodes[first..third]
            .iter()
            .find(|n| n.is_leaf())
            .unwrap()
            .next as usize;
        trees.leaves.drain(5 * leaf..5 * (leaf + leaves));
        trees.nodes.drain(first..third);
        for node in &mut trees.nodes[first..] {
            node.next -= if node.is_leaf() { leaves as u32 } else { gone };
        }
        trees.roots[1] = NOWHERE;
        trees.roots[2..].iter_mut().for_each(|r| *r -= gone);
        let forest = Forest::from_parts(forest.parts()).unwrap();
        let all = one_by_one(&forest, &x, &|_, _| true);
        assert_eq!(bits(&forest.predict_all(&x).unwrap()), bits(&all));
        assert!(all.iter().all(|e| e.std_error > 0.0));
    }
}
