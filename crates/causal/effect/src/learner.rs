//! The names of the learners of effects per unit, and what each can do.

use serde::{Deserialize, Serialize};

/// A learner of effects per unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectLearner {
    /// Best linear projection of doubly robust scores.
    Linear,
    /// Causal forest.
    Forest,
    /// Honest forest on doubly robust scores.
    Dr,
    /// Linear in the basis by the R-loss.
    R,
    /// Imputed effects.
    X,
    /// One forest an arm.
    T,
    /// One forest for all.
    S,
}

impl EffectLearner {
    /// All of them.
    pub const ALL: [EffectLearner; 7] = [
        EffectLearner::Linear,
        EffectLearner::Forest,
        EffectLearner::Dr,
        EffectLearner::R,
        EffectLearner::X,
        EffectLearner::T,
        EffectLearner::S,
    ];

    /// Name in manifests and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            EffectLearner::Linear => "linear",
            EffectLearner::Forest => "forest",
            EffectLearner::Dr => "dr",
            EffectLearner::R => "r",
            EffectLearner::X => "x",
            EffectLearner::T => "t",
            EffectLearner::S => "s",
        }
    }

    /// Whether theory gives its estimates an interval.
    pub fn has_interval(&self) -> bool {
        !matches!(self, EffectLearner::X | EffectLearner::S)
    }

    /// Whether it can learn the effect of a dose rather than of arms.
    pub fn takes_dose(&self) -> bool {
        matches!(self, EffectLearner::Forest | EffectLearner::R)
    }
}
