//! What an estimate answers. Its text for people is in [`super::text`].

use std::collections::BTreeMap;

use ceteris_estimate::FlagCount;
use ceteris_estimate::diagnose::doubt::{Doubt, doubts};
use ceteris_estimate::diagnose::e_value::{EValue, e_value_of_difference};
use ceteris_estimate::diagnose::overlap::ArmOverlap;
use ceteris_estimate::inference::{Estimate as Found, RobustSet};
use ceteris_estimate::score::{ClipReport, Scores, TrimReport};
use ceteris_stats::{Clusters, Wald};
use serde::Serialize;

use super::identification::AssumedOrProven;
use super::question::{EstimateQuestion, Method};
use super::rows::EstimateRows;
use crate::LEVEL;

/// An average effect with its error, what it rests on, and every reason to doubt it.
///
/// In JSON a number that is not finite is null. [`std::fmt::Display`] says the same in sentences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateReport {
    /// The treatment's column.
    #[serde(skip)]
    pub treatment: String,
    /// The outcome's column.
    #[serde(skip)]
    pub outcome: String,
    /// The estimate; none where every arm has its own.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_error: Option<f64>,
    /// Its interval at [`LEVEL`].
    pub ci: Option<[f64; 2]>,
    /// Two-sided p-value of no effect.
    pub p_value: Option<f64>,
    /// Rows.
    pub n: usize,
    /// Independent units.
    pub clusters: usize,
    /// Whether there are too few of them for the normal approximation.
    pub few_clusters: bool,
    /// What is estimated, in words.
    pub estimand: String,
    /// How.
    pub method: Method,
    /// How well the nuisances predict rows that they have not seen.
    pub nuisance: NuisanceFit,
    /// Whether every arm could have happened to every kind of unit; none where the method has no propensities.
    pub overlap: Option<Overlap>,
    /// How strong a confounder that was left out would have to be; none where the method has no such theory.
    pub sensitivity: Option<Sensitivity>,
    /// What the claim rests on.
    pub identification: AssumedOrProven,
    /// Reasons to doubt the interval.
    pub flags: Vec<Doubt>,
    /// Rows without a value, by covariate.
    pub missing: BTreeMap<String, usize>,
    /// Why there is no standard error, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Several arms, each against control.
    #[serde(flatten)]
    pub arms: Option<SeveralArms>,
    /// The curve of a dose.
    #[serde(flatten)]
    pub curve: Option<DoseCurve>,
    /// The strength of the instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentStrength>,
}

/// How well the nuisances predict rows that they have not seen. A method tells what it has.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NuisanceFit {
    /// Root mean squared error of the outcome's regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse_outcome: Option<f64>,
    /// One less its error over that of the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2_outcome: Option<f64>,
    /// Root mean squared error of the treatment's regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse_treatment: Option<f64>,
    /// One less its error over that of the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2_treatment: Option<f64>,
    /// Root mean squared error of the instrument's regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse_instrument: Option<f64>,
    /// One less the error over that of the mean, for each term of a dose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2_dose_terms: Option<Vec<f64>>,
    /// Rows that were matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<usize>,
    /// How often a nuisance's fits raised a flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<FlagCount>>,
}

/// Whether every arm could have happened to every kind of unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Overlap {
    /// Of the two arms of a treatment.
    TwoArms {
        /// Control and treated.
        arms: Vec<ArmOverlap>,
        /// Propensities that were raised to the clip.
        clip: Option<ClipReport>,
        /// Rows that were left out.
        trim: Option<TrimReport>,
        /// The effect that does not rest on extreme propensities, where there are many.
        #[serde(skip_serializing_if = "Option::is_none")]
        overlap_weighted: Option<OverlapWeighted>,
    },
    /// Of control and several arms, by name.
    SeveralArms {
        /// Control and the other arms.
        arms: Vec<NamedOverlap>,
        /// Propensities that were raised to the clip.
        clip: Option<ClipReport>,
        /// Rows that were left out.
        trim: Option<TrimReport>,
    },
    /// Of the two values of an instrument.
    Instrument {
        /// 0 and 1.
        arms: Vec<ArmOverlap>,
        /// Propensities that were raised to the clip.
        clip: Option<ClipReport>,
    },
    /// Of the two arms of a treatment, alone and given the mediators.
    FrontDoor {
        /// Control and treated.
        arms: Vec<ArmOverlap>,
        /// Propensities that were raised to the clip.
        clip: ClipReport,
        /// Those given the mediators.
        clip_given_mediators: ClipReport,
    },
}

/// The overlap of an arm with a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedOverlap {
    /// The arm.
    pub arm: String,
    /// Its overlap.
    #[serde(flatten)]
    pub overlap: ArmOverlap,
}

/// The overlap-weighted effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OverlapWeighted {
    /// The effect.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Its interval.
    pub ci: [f64; 2],
}

/// How strong a confounder that was left out would have to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Sensitivity {
    /// By shares of variance explained.
    OmittedConfounder {
        /// The bounds.
        #[serde(flatten)]
        bounds: OmittedConfounder,
        /// By risk ratios, where the outcome varies and the error is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        e_value: Option<EValue>,
    },
    /// Of matched pairs, by odds of treatment.
    MatchedPairs {
        /// Rosenbaum's largest odds ratio under which the effect is still told from none.
        rosenbaum_gamma: f64,
        /// By risk ratios, where the outcome varies and the error is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        e_value: Option<EValue>,
    },
}

/// What the estimate could be with a confounder of the strength that the question assumes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OmittedConfounder {
    /// Share of the outcome's residual variance that it explains.
    pub cf_y: f64,
    /// Share of the treatment's.
    pub cf_d: f64,
    /// How far the two work together.
    pub rho: f64,
    /// Bounds on the estimate.
    pub bounds: Option<[f64; 2]>,
    /// Confidence bounds for them.
    pub bounds_ci: Option<[f64; 2]>,
    /// The strength that takes the estimate to zero.
    pub rv: f64,
    /// The strength that takes its interval there.
    pub rva: f64,
}

/// Several arms, each against one control.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeveralArms {
    /// The control's value.
    pub control: String,
    /// The other arms.
    pub arms: Vec<ArmEffect>,
    /// The mean outcome had everybody had an arm, control first.
    pub means: Vec<PotentialMean>,
    /// The test that no arm has an effect.
    pub no_effect: Wald,
}

/// The average effect of one arm against control.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmEffect {
    /// The arm.
    pub arm: String,
    /// Its effect.
    pub estimate: f64,
    /// The standard error.
    pub std_error: f64,
    /// The interval of this arm alone.
    pub ci: [f64; 2],
    /// Intervals that hold for all arms at once.
    pub joint_ci: [f64; 2],
    /// Two-sided p-value of no effect.
    pub p_value: f64,
    /// The same after Holm, over all arms.
    pub p_value_adjusted: f64,
    /// Reasons to doubt this arm's interval.
    pub flags: Vec<Doubt>,
}

/// The mean outcome had everybody had one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PotentialMean {
    /// The arm.
    pub arm: String,
    /// The mean.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Its interval.
    pub ci: [f64; 2],
}

/// The effects of a dose against one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DoseCurve {
    /// The doses that the report's estimate compares.
    pub contrast: DoseContrast,
    /// The dose that the curve is against.
    pub from: f64,
    /// The effects.
    pub curve: Vec<DosePoint>,
    /// Least and largest dose seen.
    pub support: [f64; 2],
    /// The test that no dose has an effect.
    pub no_effect: Wald,
}

/// Two doses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DoseContrast {
    /// The dose.
    pub dose: f64,
    /// The one it is against.
    pub from: f64,
}

/// The effect of one dose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DosePoint {
    /// The dose.
    pub dose: f64,
    /// Its effect against the curve's reference.
    pub effect: f64,
    /// The standard error.
    pub std_error: f64,
    /// The interval of this dose alone.
    pub ci: [f64; 2],
    /// A band that holds for all doses of the curve at once.
    pub joint_ci: [f64; 2],
}

/// Whether an instrument is one that intervals can rest on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstrumentStrength {
    /// The effective first-stage F statistic.
    pub first_stage_f: f64,
    /// The values that the data do not reject, right also where the instrument is weak.
    pub anderson_rubin: RobustSet,
    /// Whether anybody is treated whatever the instrument says (local effects).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always_takers: Option<bool>,
    /// Whether anybody is never treated whatever the instrument says (local effects).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_takers: Option<bool>,
}

/// What a method's own module finds; [`Answer::report`] adds what all of them tell.
pub(super) struct Answer {
    /// The estimate; none where every arm has its own.
    pub(super) found: Option<Found>,
    pub(super) estimand: String,
    n: usize,
    clusters: usize,
    few_clusters: bool,
    pub(super) nuisance: NuisanceFit,
    pub(super) overlap: Option<Overlap>,
    pub(super) sensitivity: Option<Sensitivity>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) arms: Option<SeveralArms>,
    pub(super) curve: Option<DoseCurve>,
    pub(super) instrument: Option<InstrumentStrength>,
}

impl Answer {
    pub(super) fn new(found: Found, estimand: impl Into<String>) -> Self {
        let answer = Answer::of_several(&found, estimand);
        Answer {
            found: Some(found),
            ..answer
        }
    }

    /// Of several estimates on the same rows, of which this is one.
    pub(super) fn of_several(one: &Found, estimand: impl Into<String>) -> Self {
        Answer {
            found: None,
            estimand: estimand.into(),
            n: one.n,
            clusters: one.clusters,
            few_clusters: one.few_clusters(),
            nuisance: NuisanceFit::default(),
            overlap: None,
            sensitivity: None,
            doubts: Vec::new(),
            arms: None,
            curve: None,
            instrument: None,
        }
    }

    /// Raises the flags of the estimate.
    pub(super) fn doubt(&mut self, scores: &Scores, w: &[f64], clusters: &Clusters, arms: &[ArmOverlap]) {
        if let Some(found) = &self.found {
            self.doubts = doubts(found, scores, w, clusters, arms);
        }
    }

    pub(super) fn report(
        mut self,
        asked: &EstimateQuestion,
        sample: &EstimateRows,
        identification: AssumedOrProven,
    ) -> EstimateReport {
        let found = self.found.as_ref();
        let spread = sd(&sample.y);
        if let Some(found) = found
            && let Some(sensitivity) = &mut self.sensitivity
            && spread > 0.0
            && found.std_error.is_finite()
        {
            let (Sensitivity::OmittedConfounder { e_value, .. } | Sensitivity::MatchedPairs { e_value, .. }) =
                sensitivity;
            *e_value = Some(e_value_of_difference(found, spread, LEVEL));
        }
        EstimateReport {
            treatment: asked.treatment.clone(),
            outcome: asked.outcome.clone(),
            estimate: found.map(|found| found.estimate),
            std_error: found.map(|found| found.std_error),
            ci: found.map(|found| found.ci(LEVEL)),
            p_value: found.map(Found::p_value),
            n: self.n,
            clusters: self.clusters,
            few_clusters: self.few_clusters,
            estimand: self.estimand,
            method: asked.method,
            nuisance: self.nuisance,
            overlap: self.overlap,
            sensitivity: self.sensitivity,
            identification,
            flags: self.doubts,
            missing: sample.missing.clone(),
            reason: found.and_then(Found::no_error).map(|reason| reason.to_string()),
            arms: self.arms,
            curve: self.curve,
            instrument: self.instrument,
        }
    }
}

fn sd(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt()
}
