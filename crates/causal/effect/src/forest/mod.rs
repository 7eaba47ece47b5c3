//! Forests as flat arrays, asked for one row or many with little-bags errors; growing them is for others.
//!
//! A question is answered by solving the estimating equation of the effect under the weights that the trees give the
//! training rows; its error comes from the variance between little bags of trees that share a half-sample. With no
//! treatment at all a forest answers means. Whoever grows a forest uses [`build`].

mod answer;
mod batch;
pub mod build;
mod coder;
mod covariates;
mod error;
mod little_bags;
mod moments;
mod parts;
mod predict;
#[cfg(test)]
mod random;
mod sweep;
mod trees;

pub use batch::Hears;
pub use covariates::Covariates;
pub use error::ForestError;
pub use parts::ForestParts;
pub use predict::Scratch;

use crate::{Column, Effect};

/// A grown forest: how rows are coded, and the trees. Plain arrays, see [`ForestParts`].
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    coder: coder::Coder,
    trees: trees::Trees,
    sweeps: sweep::Sweeps,
}

impl Forest {
    /// Puts a forest together.
    ///
    /// # Errors
    /// [`ForestError::Parts`] where the trees are not those of rows coded so.
    pub fn new(coder: coder::Coder, trees: trees::Trees) -> Result<Self, ForestError> {
        trees.check(coder.width())?;
        let sweeps = sweep::Sweeps::of(&trees);
        Ok(Forest { coder, trees, sweeps })
    }

    /// Names and kinds of the columns that a row has.
    pub fn columns(&self) -> &[Column] {
        self.coder.columns()
    }

    /// Number of treatments, K; 0 for a forest of means.
    pub fn treatments(&self) -> usize {
        self.trees.k
    }

    /// Estimates for one row: K effects, or one mean.
    pub fn outputs(&self) -> usize {
        self.trees.k.max(1)
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.trees.roots.len()
    }

    /// Trees of one little bag.
    pub fn bag(&self) -> usize {
        self.trees.bag
    }

    /// Whether every number of a row lies in the range of the training rows.
    pub fn in_support(&self, x: &[f64]) -> bool {
        self.coder.in_support(x)
    }

    /// An estimate that is not known: what fills room before it is asked for.
    pub fn unknown(&self) -> Effect {
        Effect {
            tau: f64::NAN,
            std_error: f64::NAN,
        }
    }
}
