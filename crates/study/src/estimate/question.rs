//! What `estimate` is asked.

use ceteris_estimate::dml::Estimand;
use ceteris_estimate::learner::LearnerKind;
use serde::{Deserialize, Serialize};

/// Most repeats of cross-fitting: the median settles long before.
pub const REPEATS_MAX: u32 = 1000;
/// Highest power of a dose: beyond it a polynomial says more of its ends than of the data.
pub const DOSE_DEGREE_MAX: u32 = 8;
/// Most knots of a dose.
pub const DOSE_KNOTS_MAX: u32 = 20;

/// An average effect, or a curve of them, asked of a table.
///
/// Columns are named; what is left out has the default stated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EstimateQuestion {
    /// The outcome's column.
    pub outcome: String,
    /// The treatment's column.
    pub treatment: String,
    /// The value of the treatment that stands for no treatment; the other values are then arms. Where the column holds 0
    /// and 1 it is 0. Several arms need [`Method::Irm`].
    pub control: Option<String>,
    /// Columns of the covariates; [`Method::Frontdoor`] can do without.
    pub covariates: Vec<String>,
    /// The instrument's column ([`Method::Pliv`], [`Method::Iivm`]).
    pub instrument: Option<String>,
    /// Columns of the mediators ([`Method::Frontdoor`]).
    pub mediator: Vec<String>,
    /// How to estimate; partially linear.
    pub method: Method,
    /// Whose effect is averaged ([`Method::Irm`], [`Method::Matching`]); everybody's.
    pub estimand: Estimand,
    /// Score of [`Method::Plr`]; partialling out.
    pub score: PlrScore,
    /// Learner of the outcome; least squares.
    pub learner_outcome: LearnerKind,
    /// Learner of the treatment; least squares, or logit where probabilities are needed.
    pub learner_treatment: Option<LearnerKind>,
    /// Learner of the instrument; the treatment's.
    pub learner_instrument: Option<LearnerKind>,
    /// Folds of cross-fitting, in each way with two clusters; 5.
    pub folds: u32,
    /// A column that gives each row's fold instead.
    pub fold_column: Option<String>,
    /// Repeats of cross-fitting, combined by the median; 1.
    pub repeats: u32,
    /// The column whose values are units, which share a fold and an error; a second one for errors clustered in two ways.
    pub cluster: Vec<String>,
    /// A column of row weights.
    pub weight: Option<String>,
    /// Propensities are clipped to [c, 1 - c]; 0.01.
    pub clip: f64,
    /// Rows with a propensity below it, or above 1 less it, are left out ([`Method::Irm`]).
    pub trim: Option<f64>,
    /// Matches of each row ([`Method::Matching`]); 1.
    pub neighbours: u32,
    /// What [`Method::Dose`] reads.
    pub dose: DoseQuestion,
    /// Seed of the folds and learners; 1.
    pub seed: u64,
    /// Assumed strength of a hidden confounder with the outcome (partial R²); 0.03.
    pub cf_y: f64,
    /// Assumed strength of a hidden confounder with the treatment (partial R²); 0.03.
    pub cf_d: f64,
}

impl Default for EstimateQuestion {
    fn default() -> Self {
        EstimateQuestion {
            outcome: String::new(),
            treatment: String::new(),
            control: None,
            covariates: Vec::new(),
            instrument: None,
            mediator: Vec::new(),
            method: Method::default(),
            estimand: Estimand::Ate,
            score: PlrScore::default(),
            learner_outcome: LearnerKind::Ols,
            learner_treatment: None,
            learner_instrument: None,
            folds: 5,
            fold_column: None,
            repeats: 1,
            cluster: Vec::new(),
            weight: None,
            clip: 0.01,
            trim: None,
            neighbours: 1,
            dose: DoseQuestion::default(),
            seed: 1,
            cf_y: 0.03,
            cf_d: 0.03,
        }
    }
}

/// What [`Method::Dose`] reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DoseQuestion {
    /// How the dose enters; a spline.
    pub basis: Option<DoseBasis>,
    /// Highest power of the dose's polynomial, 1 for a straight line; 3.
    pub degree: Option<u32>,
    /// Knots of the dose's natural spline, at its quantiles; 5.
    pub knots: Option<u32>,
    /// Doses of the curve; those of the quantiles .05, .25, .5, .75 and .95.
    pub at: Vec<f64>,
    /// The dose that the curve's effects are against; the median.
    pub from: Option<f64>,
}

impl DoseQuestion {
    /// The first of these fields that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        [
            ("--dose-basis", self.basis.is_some()),
            ("--dose-degree", self.degree.is_some()),
            ("--dose-knots", self.knots.is_some()),
            ("--at", !self.at.is_empty()),
            ("--from", self.from.is_some()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
    }
}

/// How a dose enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoseBasis {
    /// Natural cubic spline: a straight line beyond the outer knots.
    Spline,
    /// Powers of the dose.
    Polynomial,
}

/// How an effect is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Partially linear: one coefficient, weighted by overlap.
    #[default]
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

impl Method {
    /// Name in reports and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Plr => "plr",
            Method::Irm => "irm",
            Method::Dose => "dose",
            Method::Pliv => "pliv",
            Method::Iivm => "iivm",
            Method::Frontdoor => "frontdoor",
            Method::Matching => "matching",
        }
    }

    /// Needs a treatment of zeros and ones.
    pub(super) const fn is_binary(self) -> bool {
        !matches!(self, Method::Plr | Method::Dose | Method::Pliv)
    }

    /// Reads an instrument.
    pub(super) const fn has_instrument(self) -> bool {
        matches!(self, Method::Pliv | Method::Iivm)
    }
}

/// The score of [`Method::Plr`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlrScore {
    /// Residual on residual.
    #[default]
    PartiallingOut,
    /// The outcome less its part in the treatment, on the treatment's residual.
    IvType,
}
