//! The flags of `ceteris estimate`, and what they contradict.

use std::path::PathBuf;

use ceteris_causal::dml::Estimand;
use ceteris_causal::learner::LearnerKind;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::output::bad_input;

/// Most repeats of cross-fitting: the median settles long before.
const REPEATS_MAX: i64 = 1000;

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
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=REPEATS_MAX))]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodArg {
    /// Partially linear: one coefficient, weighted by overlap.
    Plr,
    /// Interactive: effects vary freely with the covariates; a binary treatment.
    Irm,
    /// Partially linear with an instrument.
    Pliv,
    /// Local average effect of a binary treatment through a binary instrument.
    Iivm,
    /// Average effect of a binary treatment through mediators.
    Frontdoor,
    /// Nearest neighbours; a binary treatment.
    Matching,
}

impl MethodArg {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            MethodArg::Plr => "plr",
            MethodArg::Irm => "irm",
            MethodArg::Pliv => "pliv",
            MethodArg::Iivm => "iivm",
            MethodArg::Frontdoor => "frontdoor",
            MethodArg::Matching => "matching",
        }
    }

    /// Needs a treatment of zeros and ones.
    pub(crate) const fn is_binary(self) -> bool {
        !matches!(self, MethodArg::Plr | MethodArg::Pliv)
    }

    /// Reads an instrument.
    pub(crate) const fn has_instrument(self) -> bool {
        matches!(self, MethodArg::Pliv | MethodArg::Iivm)
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

/// A learner by its name.
fn learner() -> impl TypedValueParser<Value = LearnerKind> {
    PossibleValuesParser::new(LearnerKind::ALL.map(LearnerKind::name)).try_map(|text| {
        let named = |kind: &LearnerKind| kind.name() == text;
        LearnerKind::ALL.into_iter().find(named).ok_or("no learner")
    })
}

impl Estimate {
    /// Refuses flags that contradict each other or lie outside their range, each by name.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.check_columns()?;
        self.check_method()?;
        for (flag, share) in [("--cf-y", self.cf_y), ("--cf-d", self.cf_d)] {
            if !(0.0..1.0).contains(&share) {
                return Err(bad_input(format!(
                    "{flag} {share}: give a share from 0 to below 1"
                )));
            }
        }
        for (flag, threshold) in [("--clip", Some(self.clip)), ("--trim", self.trim)] {
            if let Some(t) = threshold
                && !(0.0..0.5).contains(&t)
            {
                return Err(bad_input(format!(
                    "{flag} {t}: give a propensity from 0 to below 0.5"
                )));
            }
        }
        if self.folds < 2 || self.repeats == 0 || self.neighbours == 0 {
            return Err(bad_input(
                "--folds takes at least 2, --repeats and --neighbours at least 1",
            ));
        }
        if self.repeats > 1 && self.fold_column.is_some() {
            return Err(bad_input(
                "--repeats: given folds are one cutting; leave out --fold-column",
            ));
        }
        if self.cluster.len() > 2 {
            return Err(bad_input("--cluster: give one column, or two"));
        }
        Ok(())
    }

    fn check_columns(&self) -> anyhow::Result<()> {
        if self.outcome == self.treatment {
            return Err(bad_input(format!(
                "--treatment {}: is the outcome too; name another column",
                self.treatment
            )));
        }
        let mut taken = vec![self.outcome.as_str(), self.treatment.as_str()];
        let instrument: Vec<String> = self.instrument.iter().cloned().collect();
        for (flag, names) in [
            ("--covariates", &self.covariates),
            ("--instrument", &instrument),
            ("--mediator", &self.mediator),
        ] {
            for name in names {
                if name.is_empty() || taken.contains(&name.as_str()) {
                    return Err(bad_input(format!(
                        "{flag}: `{name}` is empty, named twice, or the outcome or treatment; leave it out"
                    )));
                }
                taken.push(name);
            }
        }
        Ok(())
    }

    fn check_method(&self) -> anyhow::Result<()> {
        let method = self.method;
        let front = method == MethodArg::Frontdoor;
        if self.covariates.is_empty() && !front {
            return Err(bad_input("--covariates: name at least one column"));
        }
        if method.has_instrument() != self.instrument.is_some() {
            return Err(bad_input(if method.has_instrument() {
                format!("--instrument: {} needs one", method.name())
            } else {
                "--instrument: is read by --method pliv and iivm".to_owned()
            }));
        }
        if front == self.mediator.is_empty() {
            return Err(bad_input(if front {
                "--mediator: frontdoor needs at least one"
            } else {
                "--mediator: is read by --method frontdoor"
            }));
        }
        let averaged = match method {
            MethodArg::Irm => true,
            MethodArg::Matching => self.estimand != EstimandArg::Overlap,
            _ => self.estimand == EstimandArg::Ate,
        };
        if !averaged {
            return Err(bad_input(format!(
                "--estimand: {} has one estimand of its own; use --method irm",
                method.name()
            )));
        }
        if self.score == ScoreArg::IvType && method != MethodArg::Plr {
            return Err(bad_input("--score iv-type: belongs to --method plr"));
        }
        let of_probabilities = self.learner_outcome.is_of_probabilities();
        if of_probabilities && (front || self.score == ScoreArg::IvType) {
            return Err(bad_input(
                "--learner-outcome: frontdoor and --score iv-type regress what is no 0 or 1; give a learner of means",
            ));
        }
        if self.trim.is_some() && method != MethodArg::Irm {
            return Err(bad_input("--trim: belongs to --method irm"));
        }
        if method == MethodArg::Matching && !(self.cluster.is_empty() && self.weight.is_none()) {
            return Err(bad_input(
                "--cluster, --weight: the error of matching knows neither; use --method irm",
            ));
        }
        Ok(())
    }
}
