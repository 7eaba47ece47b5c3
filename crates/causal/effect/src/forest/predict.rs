//! Asking a forest: one row with the caller's room, or many rows in parallel.

use super::answer::Answers;
use super::trees::{LANES, NOWHERE};
use super::{Covariates, Forest, ForestError, Hears};
use crate::Effect;

/// Room for one question at a time, sized by [`Forest::scratch`].
#[derive(Clone, Debug)]
pub struct Scratch {
    codes: Vec<u16>,
    /// The row's leaf in each tree.
    leaves: Vec<u32>,
    answers: Answers,
}

impl Forest {
    /// Room for [`Forest::predict`].
    pub fn scratch(&self) -> Scratch {
        Scratch {
            codes: vec![0; self.code_width()],
            leaves: vec![NOWHERE; self.trees.roots.len()],
            answers: Answers::new(self.trees.k, 1),
        }
    }

    /// Codes of a row: there is one to read even where there is no feature.
    pub(super) fn code_width(&self) -> usize {
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
        let fits = scratch.codes.len() == self.code_width()
            && scratch.leaves.len() == self.trees.roots.len()
            && scratch.answers.fit(self.trees.k);
        if !fits || out.len() != self.outputs() {
            return Err(ForestError::Parts("the room given was made for another forest"));
        }
        self.coder.encode(x, &mut scratch.codes);
        self.find_in_trees(&scratch.codes, &mut scratch.leaves);
        scratch.answers.answer(&self.trees, &scratch.leaves, 1, out);
        Ok(())
    }

    /// The estimates for every row of a table, row by row ([`Forest::outputs`] for each), in parallel.
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    pub fn predict_all(&self, x: &Covariates) -> Result<Vec<Effect>, ForestError> {
        self.check_columns(x)?;
        Ok(self.rows(x, None))
    }

    /// The same, where row i hears those bags only for which `hears` says so: for training rows, the bags that did not
    /// draw them.
    ///
    /// # Errors
    /// Columns that are not those of the fit.
    pub fn predict_heard(&self, x: &Covariates, hears: Hears<'_>) -> Result<Vec<Effect>, ForestError> {
        self.check_columns(x)?;
        Ok(self.rows(x, Some(hears)))
    }

    fn check_columns(&self, x: &Covariates) -> Result<(), ForestError> {
        if x.columns() == self.coder.columns() {
            Ok(())
        } else {
            Err(ForestError::Columns {
                found: x.columns().len(),
                expected: self.coder.columns().len(),
            })
        }
    }

    /// Finds one row's leaves, some trees side by side.
    fn find_in_trees(&self, codes: &[u16], leaves: &mut [u32]) {
        if self.trees.nodes.is_empty() {
            leaves.fill(NOWHERE);
            return;
        }
        let trees = self.trees.roots.chunks(LANES);
        for (roots, leaves) in trees.zip(leaves.chunks_mut(LANES)) {
            let mut at = [0; LANES];
            at.iter_mut().zip(roots).for_each(|(at, &root)| *at = root);
            at.iter_mut().filter(|at| **at == NOWHERE).for_each(|at| *at = 0);
            let found = self.trees.walk(at, |_, feature| codes[feature]);
            for ((leaf, &root), found) in leaves.iter_mut().zip(roots).zip(found) {
                *leaf = if root == NOWHERE { NOWHERE } else { found };
            }
        }
    }
}
