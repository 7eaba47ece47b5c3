//! What the studies of effects per unit are asked.

use ceteris_effect::EffectLearner;
use serde::{Deserialize, Serialize};

use crate::error::{StudyError, question};

/// The rows that effects are learned from or judged by.
///
/// Columns are named; what is left out has the default stated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EffectQuestion {
    /// The outcome's column.
    pub outcome: String,
    /// The treatment's column: 0 and 1, arms with a control, or a dose.
    pub treatment: String,
    /// Columns of the covariates, all of which may change the effect; that they suffice is the asker's claim.
    pub covariates: Vec<String>,
    /// The value that stands for no treatment; the other values are then arms.
    pub control: Option<String>,
    /// The column whose values are units; rows of one unit are drawn together.
    pub cluster: Option<String>,
    /// A column of sampling weights.
    pub weight: Option<String>,
    /// Folds of cross-fitting; 5.
    pub folds: u32,
    /// Estimated propensities below it are raised to it in doubly robust scores; 0.01.
    pub clip: f64,
    /// Seed of folds and forests; 1.
    pub seed: u64,
}

impl Default for EffectQuestion {
    fn default() -> Self {
        EffectQuestion {
            outcome: String::new(),
            treatment: String::new(),
            covariates: Vec::new(),
            control: None,
            cluster: None,
            weight: None,
            folds: 5,
            clip: 0.01,
            seed: 1,
        }
    }
}

impl EffectQuestion {
    /// Refuses fields that contradict each other or lie outside their range, each by name.
    ///
    /// # Errors
    /// The first such field.
    pub fn check(&self) -> Result<(), StudyError> {
        for (at, name) in self.covariates.iter().enumerate() {
            if name.is_empty()
                || *name == self.outcome
                || *name == self.treatment
                || self.covariates[..at].contains(name)
            {
                return Err(question(format!(
                    "--covariates: `{name}` is empty, named twice, or the outcome or treatment; leave it out"
                )));
            }
        }
        if self.outcome == self.treatment {
            return Err(question(format!(
                "--treatment {}: is the outcome too; name another column",
                self.treatment
            )));
        }
        if self.folds < 2 {
            return Err(question(format!("--folds {}: give at least 2", self.folds)));
        }
        if !(0.0..0.5).contains(&self.clip) {
            return Err(question(format!(
                "--clip {}: give a propensity from 0 to below 0.5",
                self.clip
            )));
        }
        Ok(())
    }
}

/// Effects to learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FitQuestion {
    /// The rows.
    pub rows: EffectQuestion,
    /// The learner; the one that explains held-out rows best where none is named.
    pub learner: Option<EffectLearner>,
    /// Trees of each forest, even and at least 4; 2000.
    pub trees: u32,
}

impl Default for FitQuestion {
    fn default() -> Self {
        FitQuestion {
            rows: EffectQuestion::default(),
            learner: None,
            trees: 2000,
        }
    }
}

impl FitQuestion {
    /// Refuses a number of trees that no forest has, and whatever [`EffectQuestion::check`] refuses.
    ///
    /// # Errors
    /// The first such field.
    pub fn check(&self) -> Result<(), StudyError> {
        if self.trees < 4 || !self.trees.is_multiple_of(2) {
            return Err(question(format!(
                "--trees {}: give an even number from 4",
                self.trees
            )));
        }
        self.rows.check()
    }
}

/// Effects to judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluateQuestion {
    /// The rows that judge.
    pub rows: EffectQuestion,
    /// The cost of giving one unit an arm, in the outcome's currency: one number for all arms, or one an arm in the order
    /// of the effects; nothing. The rule judged gives the arm whose effect is furthest above its cost, if any.
    pub cost: Vec<f64>,
    /// Columns that hold the true effects, one an arm (simulated data only).
    pub truth: Option<Vec<String>>,
}

impl Default for EvaluateQuestion {
    fn default() -> Self {
        EvaluateQuestion {
            rows: EffectQuestion::default(),
            cost: vec![0.0],
            truth: None,
        }
    }
}
