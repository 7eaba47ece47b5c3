//! The flags of `ceteris estimate`.

use std::path::PathBuf;

use ceteris_estimate::dml::Estimand;
use ceteris_estimate::learner::LearnerKind;
use ceteris_study::{
    DOSE_DEGREE_MAX, DOSE_KNOTS_MAX, DoseBasis, DoseQuestion, EstimateQuestion, Method, PlrScore, REPEATS_MAX,
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Estimate {
    /// The table: csv, csv.gz, parquet or jsonl.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The outcome's column.
    #[arg(long)]
    pub(crate) outcome: String,
    /// The treatment's column.
    #[arg(long)]
    pub(crate) treatment: String,
    /// The value of the treatment that stands for no treatment; the other values are then arms. Where the column holds 0
    /// and 1 it is 0. Several arms need irm.
    #[arg(long)]
    pub(crate) control: Option<String>,
    /// Columns of the covariates; frontdoor can do without.
    #[arg(long, value_delimiter = ',')]
    pub(crate) covariates: Vec<String>,
    /// A graph that must prove the claim; without one it is the user's.
    #[arg(long)]
    pub(crate) graph: Option<PathBuf>,
    /// The instrument's column (pliv, iivm).
    #[arg(long)]
    pub(crate) instrument: Option<String>,
    /// Columns of the mediators (frontdoor).
    #[arg(long, value_delimiter = ',')]
    pub(crate) mediator: Vec<String>,
    /// How to estimate.
    #[arg(long, value_enum, default_value_t = MethodArg::Plr)]
    pub(crate) method: MethodArg,
    /// Whose effect is averaged (irm, matching): everybody's, the treated's, the untreated's, or overlap-weighted.
    #[arg(long, value_enum, default_value_t = EstimandArg::Ate)]
    pub(crate) estimand: EstimandArg,
    /// Score of plr.
    #[arg(long, value_enum, default_value_t = ScoreArg::PartiallingOut)]
    pub(crate) score: ScoreArg,
    /// Learner of the outcome; the linear ones take the columns as they are, `spline_*` expand them first.
    #[arg(long, value_parser = learner(), default_value = "ols")]
    pub(crate) learner_outcome: LearnerKind,
    /// Learner of the treatment; ols, or logit where probabilities are needed, where it is left out.
    #[arg(long, value_parser = learner())]
    pub(crate) learner_treatment: Option<LearnerKind>,
    /// Learner of the instrument; the treatment's where it is left out.
    #[arg(long, value_parser = learner())]
    pub(crate) learner_instrument: Option<LearnerKind>,
    /// Folds of cross-fitting (in each way, with two clusters).
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: u32,
    /// A column that gives each row's fold instead.
    #[arg(long)]
    pub(crate) fold_column: Option<String>,
    /// Repeats of cross-fitting, combined by the median.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEATS_MAX)))]
    pub(crate) repeats: u32,
    /// The column whose values are units, which share a fold and an error; a second one after a comma for errors
    /// clustered in two ways.
    #[arg(long, value_delimiter = ',')]
    pub(crate) cluster: Vec<String>,
    /// A column of row weights.
    #[arg(long)]
    pub(crate) weight: Option<String>,
    /// Propensities are clipped to [c, 1 - c].
    #[arg(long, default_value_t = 0.01)]
    pub(crate) clip: f64,
    /// Rows with a propensity below it, or above 1 less it, are left out (irm).
    #[arg(long)]
    pub(crate) trim: Option<f64>,
    /// Matches of each row (matching).
    #[arg(long, default_value_t = 1)]
    pub(crate) neighbours: u32,
    #[command(flatten)]
    pub(crate) dose: DoseArgs,
    /// Seed of the folds and learners.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Assumed strength of a hidden confounder with the outcome (partial R²).
    #[arg(long, default_value_t = 0.03)]
    pub(crate) cf_y: f64,
    /// Assumed strength of a hidden confounder with the treatment (partial R²).
    #[arg(long, default_value_t = 0.03)]
    pub(crate) cf_d: f64,
}

/// What `--method dose` reads.
#[derive(Debug, Args)]
pub(crate) struct DoseArgs {
    /// How the dose enters (dose); spline where it is left out.
    #[arg(long, value_enum)]
    pub(crate) dose_basis: Option<DoseBasisArg>,
    /// Highest power of the dose's polynomial, 1 for a straight line; 3 where it is left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(DOSE_DEGREE_MAX)))]
    pub(crate) dose_degree: Option<u32>,
    /// Knots of the dose's natural spline, at its quantiles; 5 where it is left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(3..=i64::from(DOSE_KNOTS_MAX)))]
    pub(crate) dose_knots: Option<u32>,
    /// Doses of the curve; those of the quantiles .05, .25, .5, .75 and .95 where it is left out.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) at: Vec<f64>,
    /// The dose that the curve's effects are against; the median where it is left out.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) from: Option<f64>,
}

impl From<&Estimate> for EstimateQuestion {
    fn from(args: &Estimate) -> Self {
        EstimateQuestion {
            outcome: args.outcome.clone(),
            treatment: args.treatment.clone(),
            control: args.control.clone(),
            covariates: args.covariates.clone(),
            instrument: args.instrument.clone(),
            mediator: args.mediator.clone(),
            method: args.method.into(),
            estimand: args.estimand.into(),
            score: args.score.into(),
            learner_outcome: args.learner_outcome,
            learner_treatment: args.learner_treatment,
            learner_instrument: args.learner_instrument,
            folds: args.folds,
            fold_column: args.fold_column.clone(),
            repeats: args.repeats,
            cluster: args.cluster.clone(),
            weight: args.weight.clone(),
            clip: args.clip,
            trim: args.trim,
            neighbours: args.neighbours,
            dose: DoseQuestion {
                basis: args.dose.dose_basis.map(DoseBasis::from),
                degree: args.dose.dose_degree,
                knots: args.dose.dose_knots,
                at: args.dose.at.clone(),
                from: args.dose.from,
            },
            seed: args.seed,
            cf_y: args.cf_y,
            cf_d: args.cf_d,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoseBasisArg {
    /// Natural cubic spline: a straight line beyond the outer knots.
    Spline,
    /// Powers of the dose.
    Polynomial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodArg {
    /// Partially linear: one coefficient, weighted by overlap.
    Plr,
    /// Interactive: effects vary freely with the covariates; a treatment of two or more arms.
    Irm,
    /// Partially linear in a basis of a continuous treatment: the curve of its effects.
    Dose,
    /// Partially linear with an instrument.
    Pliv,
    /// Local average effect of a binary treatment through a binary instrument.
    Iivm,
    /// Average effect of a binary treatment through mediators.
    Frontdoor,
    /// Nearest neighbours; a binary treatment.
    Matching,
}

impl From<MethodArg> for Method {
    fn from(arg: MethodArg) -> Self {
        match arg {
            MethodArg::Plr => Method::Plr,
            MethodArg::Irm => Method::Irm,
            MethodArg::Dose => Method::Dose,
            MethodArg::Pliv => Method::Pliv,
            MethodArg::Iivm => Method::Iivm,
            MethodArg::Frontdoor => Method::Frontdoor,
            MethodArg::Matching => Method::Matching,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EstimandArg {
    Ate,
    Att,
    Atc,
    Overlap,
}

impl From<EstimandArg> for Estimand {
    fn from(arg: EstimandArg) -> Self {
        match arg {
            EstimandArg::Ate => Estimand::Ate,
            EstimandArg::Att => Estimand::Att,
            EstimandArg::Atc => Estimand::Atc,
            EstimandArg::Overlap => Estimand::Overlap,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScoreArg {
    PartiallingOut,
    IvType,
}

impl From<ScoreArg> for PlrScore {
    fn from(arg: ScoreArg) -> Self {
        match arg {
            ScoreArg::PartiallingOut => PlrScore::PartiallingOut,
            ScoreArg::IvType => PlrScore::IvType,
        }
    }
}

impl From<DoseBasisArg> for DoseBasis {
    fn from(arg: DoseBasisArg) -> Self {
        match arg {
            DoseBasisArg::Spline => DoseBasis::Spline,
            DoseBasisArg::Polynomial => DoseBasis::Polynomial,
        }
    }
}

/// A learner by its name.
fn learner() -> impl TypedValueParser<Value = LearnerKind> {
    PossibleValuesParser::new(LearnerKind::ALL.map(LearnerKind::name)).try_map(|text| {
        let named = |kind: &LearnerKind| kind.name() == text;
        LearnerKind::ALL.into_iter().find(named).ok_or("no learner")
    })
}
