//! The rows of one dataset as its fits read them.

use ceteris_effect::EffectBasis;
use ceteris_estimate::learner::Design;
use ceteris_stats::Unit;

/// The rows that every fit of one dataset reads.
#[derive(Clone, Copy)]
pub(crate) struct DatasetRows<'a> {
    pub(crate) units: &'a [Unit],
    pub(crate) weights: &'a [f64],
    pub(crate) modifiers: &'a Design,
    pub(crate) basis: &'a EffectBasis,
    pub(crate) folds: u32,
    pub(crate) seed: u64,
    pub(crate) clip: f64,
}
