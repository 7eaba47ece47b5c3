//! Asking a forest: one row with the caller's room, many rows in parallel, and training rows out of bag.

use rayon::prelude::*;

use super::little_bags::debiased;
use super::moments::{Local, stride};
use super::trees::NOWHERE;
use super::{Covariates, Forest, ForestError};
use crate::effect::Effect;

/// Rows of one parallel task.
const BLOCK_ROWS: usize = 64;

/// Room for one question at a time, sized by [`Forest::scratch`].
#[derive(Clone, Debug)]
pub struct Scratch {
    codes: Vec<u16>,
    leaves: Vec<u32>,
    local: Local,
}

/// What a forest knows not to be.
const UNKNOWN: Effect = Effect {
    tau: f64::NAN,
    std_error: f64::NAN,
};

impl Forest {
    /// Room for [`Forest::predict`].
    pub fn scratch(&self) -> Scratch {
        Scratch {
            codes: vec![0; 2 * self.coder.width()],
            leaves: vec![NOWHERE; self.trees.roots.len()],
            local: Local::new(self.trees.k),
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
        let fits = scratch.codes.len() == 2 * self.coder.width()
            && scratch.leaves.len() == self.trees.roots.len()
            && scratch.local.tau.len() == self.trees.k;
        if !fits || out.len() != self.outputs() {
            return Err(ForestError::Parts("the room given was made for another forest"));
        }
        self.coder.encode(x, &mut scratch.codes);
        self.at_codes(scratch, |_| true, out);
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
        let outputs = self.outputs();
        let mut all = vec![UNKNOWN; x.n() * outputs];
        all.par_chunks_mut(BLOCK_ROWS * outputs)
            .enumerate()
            .for_each(|(block, out)| {
                let mut scratch = self.scratch();
                let mut row = vec![0.0; x.columns().len()];
                for (i, out) in out.chunks_mut(outputs).enumerate() {
                    let i = block * BLOCK_ROWS + i;
                    row.iter_mut().zip(x.row(i)).for_each(|(r, v)| *r = *v);
                    self.coder.encode(&row, &mut scratch.codes);
                    self.at_codes(&mut scratch, |bag| hears(i, bag), out);
                }
            });
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

    fn at_codes(&self, scratch: &mut Scratch, hears: impl Fn(usize) -> bool, out: &mut [Effect]) {
        out.fill(UNKNOWN);
        let Scratch { codes, leaves, local } = scratch;
        let stride = stride(self.trees.k);
        let bag = self.trees.bag;
        local.sums.fill(0.0);
        let mut heard = 0usize;
        for (g, (roots, leaves)) in self
            .trees
            .roots
            .chunks(bag)
            .zip(leaves.chunks_mut(bag))
            .enumerate()
        {
            if !hears(g) {
                leaves.fill(NOWHERE);
                continue;
            }
            for (&root, leaf) in roots.iter().zip(leaves) {
                *leaf = self.trees.leaf(root, codes);
                if *leaf != NOWHERE {
                    heard += 1;
                    let at = *leaf as usize * stride;
                    let averages = &self.trees.leaves[at..at + stride];
                    local.sums.iter_mut().zip(averages).for_each(|(s, a)| *s += a);
                }
            }
        }
        let weight = local.sums[0] / heard as f64;
        if heard == 0 || !local.solve() {
            return;
        }
        let (mut bags, trees_of_bag) = (0usize, bag as f64);
        for out in out.iter_mut() {
            // The two fields hold the mean squares of bags and of trees until the end.
            *out = Effect {
                tau: 0.0,
                std_error: 0.0,
            };
        }
        for leaves in leaves.chunks(bag).filter(|l| !l.contains(&NOWHERE)) {
            bags += 1;
            if let ([out], 0 | 1) = (&mut *out, self.trees.k) {
                let mut sum = 0.0;
                for &leaf in leaves {
                    let at = leaf as usize * stride;
                    local.influence[0] = 0.0;
                    local.add_influence(&self.trees.leaves[at..at + stride]);
                    sum += local.influence[0];
                    out.std_error += local.influence[0] * local.influence[0];
                }
                out.tau += (sum / trees_of_bag) * (sum / trees_of_bag);
                continue;
            }
            self.add_bag(leaves, local, out);
        }
        let scale = 1.0 / (bags as f64 * weight * weight);
        for (a, out) in out.iter_mut().enumerate() {
            let (between, total) = (out.tau * scale, out.std_error * scale / trees_of_bag);
            *out = Effect {
                tau: local.tau.get(a).copied().unwrap_or(local.mu),
                std_error: if bags < 2 {
                    f64::NAN
                } else {
                    debiased(between, total, bag, bags).sqrt()
                },
            };
        }
    }

    /// Adds one bag's squares for several treatments: trees' to `std_error`, their mean's to `tau`.
    fn add_bag(&self, leaves: &[u32], local: &mut Local, out: &mut [Effect]) {
        let stride = stride(self.trees.k);
        let share = 1.0 / leaves.len() as f64;
        // Influences add up over the bag; a tree's own is what its leaf adds.
        local.influence.fill(0.0);
        for &leaf in leaves {
            let at = leaf as usize * stride;
            local.before.copy_from_slice(&local.influence);
            local.add_influence(&self.trees.leaves[at..at + stride]);
            for (a, out) in out.iter_mut().enumerate() {
                out.std_error += (local.influence[a] - local.before[a]).powi(2);
            }
        }
        for (a, out) in out.iter_mut().enumerate() {
            out.tau += (local.influence[a] * share).powi(2);
        }
    }
}
