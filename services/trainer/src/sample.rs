//! The rows of one dataset as its fits read them.

use ceteris_causal::effect::EffectBasis;
use ceteris_causal::learner::Design;
use ceteris_causal::sample::Unit;

/// The rows that every fit of one dataset reads.
#[derive(Clone, Copy)]
pub(crate) struct Sample<'a> {
    pub(crate) units: &'a [Unit],
    pub(crate) weights: &'a [f64],
    pub(crate) modifiers: &'a Design,
    pub(crate) basis: &'a EffectBasis,
    pub(crate) folds: u32,
    pub(crate) seed: u64,
    pub(crate) clip: f64,
}
