//! Honest random forests for effects that vary: generalised random forests with little-bags errors.
//!
//! A tree sees a half of the units; one part of them chooses its splits, the other fills its leaves. Splits part the
//! rows where the effect differs most, found by gradients instead of refits. A question is answered by solving the
//! estimating equation of the effect under the weights the trees give the training rows; its error comes from the
//! variance between little bags of trees that share a half-sample. With no treatment at all the same engine grows
//! honest regression forests.
//!
//! Nothing depends on the number of threads or the order of the table: bags are grown apart from streams of their own
//! and put together in order, over rows sorted by unit.

mod answer;
mod batch;
mod causal;
mod centre;
mod codes;
mod draw;
mod error;
mod fit;
mod grow;
mod little_bags;
mod moments;
mod params;
mod parts;
mod predict;
mod progress;
mod sample;
mod split;
mod sweep;
mod table;
mod trees;

pub use causal::{FittedForest, causal_forest, residuals};
pub use centre::{Centred, Treatment};
pub use error::ForestError;
pub use fit::{ForestRows, GrownForest, grow};
pub use params::{ForestParams, ValidForestParams};
pub use parts::ForestParts;
pub use predict::Scratch;
pub use table::Covariates;

use crate::effect::Effect;
use crate::learner::Column;

/// A grown forest: how rows are coded, and the trees. Plain arrays, see [`ForestParts`].
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    coder: codes::Coder,
    trees: trees::Trees,
    sweeps: sweep::Sweeps,
}

impl Forest {
    fn new(coder: codes::Coder, trees: trees::Trees) -> Self {
        let sweeps = sweep::Sweeps::of(&trees);
        Forest { coder, trees, sweeps }
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
