//! The arguments of the verbs on effects per unit.

use std::path::PathBuf;

use ceteris_effect::EffectLearner;
use ceteris_study::{EffectQuestion, EvaluateQuestion, FitQuestion};
use clap::{Args, ValueEnum};

/// What the verbs on effects per unit need to know of a table's rows.
#[derive(Debug, Args)]
pub(crate) struct EffectRows {
    /// The outcome's column.
    #[arg(long)]
    pub(crate) outcome: String,
    /// The treatment's column: 0 and 1, arms with --control, or a dose.
    #[arg(long)]
    pub(crate) treatment: String,
    /// Columns of the covariates, all of which may change the effect; that they suffice is your claim.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) covariates: Vec<String>,
    /// The value that stands for no treatment; the other values are then arms.
    #[arg(long)]
    pub(crate) control: Option<String>,
    /// The column whose values are units; rows of one unit are drawn together.
    #[arg(long)]
    pub(crate) cluster: Option<String>,
    /// A column of sampling weights.
    #[arg(long)]
    pub(crate) weight: Option<String>,
    /// Folds of cross-fitting.
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: u32,
    /// Estimated propensities below it are raised to it in doubly robust scores.
    #[arg(long, default_value_t = 0.01)]
    pub(crate) clip: f64,
    /// Seed of folds and forests.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl From<&EffectRows> for EffectQuestion {
    fn from(args: &EffectRows) -> Self {
        EffectQuestion {
            outcome: args.outcome.clone(),
            treatment: args.treatment.clone(),
            covariates: args.covariates.clone(),
            control: args.control.clone(),
            cluster: args.cluster.clone(),
            weight: args.weight.clone(),
            folds: args.folds,
            clip: args.clip,
            seed: args.seed,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct FitEffect {
    /// The table.
    #[arg(long)]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) rows: EffectRows,
    /// Linear projection, causal forest, or a meta-learner on honest forests; `auto` takes the one that explains
    /// held-out rows best.
    #[arg(long, value_enum)]
    pub(crate) learner: EffectLearnerArg,
    /// Trees of each forest.
    #[arg(long, default_value_t = 2000)]
    pub(crate) trees: u32,
    /// The folder of the model; new or empty.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

impl From<&FitEffect> for FitQuestion {
    fn from(args: &FitEffect) -> Self {
        FitQuestion {
            rows: EffectQuestion::from(&args.rows),
            learner: args.learner.named(),
            trees: args.trees,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EffectLearnerArg {
    Linear,
    Forest,
    Dr,
    R,
    X,
    T,
    S,
    Auto,
}

impl EffectLearnerArg {
    /// The learner named, or none where it is to be chosen.
    fn named(self) -> Option<EffectLearner> {
        Some(match self {
            EffectLearnerArg::Linear => EffectLearner::Linear,
            EffectLearnerArg::Forest => EffectLearner::Forest,
            EffectLearnerArg::Dr => EffectLearner::Dr,
            EffectLearnerArg::R => EffectLearner::R,
            EffectLearnerArg::X => EffectLearner::X,
            EffectLearnerArg::T => EffectLearner::T,
            EffectLearnerArg::S => EffectLearner::S,
            EffectLearnerArg::Auto => return None,
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Effect {
    /// The folder that fit-effect left.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// The table with the model's columns.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The file to write, a row per input row in order: csv, csv.gz, parquet or jsonl.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Effects as `ceteris effect` writes them, learned on other rows than these.
    #[arg(long)]
    pub(crate) effects: PathBuf,
    /// The table of the same rows in the same order.
    #[arg(long)]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) rows: EffectRows,
    /// The cost of giving one unit an arm, in the outcome's currency: one number for all arms, or one an arm in the order
    /// of the effects. The rule judged gives the arm whose effect is furthest above its cost, if any.
    #[arg(long, value_delimiter = ',', default_value = "0")]
    pub(crate) cost: Vec<f64>,
    /// Columns of the data that hold the true effects, one an arm (simulated data only).
    #[arg(long, value_delimiter = ',')]
    pub(crate) truth: Option<Vec<String>>,
}

impl From<&Evaluate> for EvaluateQuestion {
    fn from(args: &Evaluate) -> Self {
        EvaluateQuestion {
            rows: EffectQuestion::from(&args.rows),
            cost: args.cost.clone(),
            truth: args.truth.clone(),
        }
    }
}
