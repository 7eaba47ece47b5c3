//! The interactive recipe for a binary treatment: the average effect over everybody, the treated, the untreated, or
//! those of whom treatment is uncertain.

use ceteris_stats::Clusters;
use ndarray::{ArrayView1, Axis};

use super::repeat::{median_of, two_way};
use super::{ArmLearners, DmlError, FlagCount, Repeat, ValidDmlParams, multi_arm};
use crate::argument::check_binary;
use crate::inference::{Estimate, solve};
use crate::progress::Watch;
use crate::sample::{Arms, Folds, Sample};
use crate::score::{self, Estimand, InteractiveNuisances, Observed, TrimReport, treated_propensity};

/// A fitted interactive model.
#[derive(Clone, Debug)]
pub struct FittedInteractive {
    /// The estimate: the median over repeats.
    pub estimate: Estimate,
    /// What it estimates.
    pub estimand: Estimand,
    /// Each cross-fitting.
    pub repeats: Vec<Repeat<InteractiveNuisances>>,
    /// What the learners flagged.
    pub flags: Vec<FlagCount>,
    /// Row weights, as given; zero where trimmed.
    pub weights: Vec<f64>,
    /// What trimming left out, where it was asked for.
    pub trim: Option<TrimReport>,
    /// Which rows are one unit.
    pub clusters: Clusters,
    /// Which rows share a cluster of the sample's second way, where it has one.
    pub second: Option<Clusters>,
}

impl FittedInteractive {
    /// The estimate with errors clustered by the sample's second way too; see [`super::Fitted::two_way`].
    ///
    /// # Errors
    /// As [`super::Fitted::two_way`].
    pub fn two_way(&self) -> Result<Estimate, DmlError> {
        two_way(&self.repeats, &self.weights, &self.clusters, self.second.as_ref())
    }

    /// Another estimand from the same nuisances, over the sample of the fit: no learner runs again.
    ///
    /// # Errors
    /// Scores that are not finite or have no slope.
    pub fn of(&self, sample: &Sample<'_>, estimand: Estimand) -> Result<FittedInteractive, DmlError> {
        let parts = self
            .repeats
            .iter()
            .map(|r| (r.folds.clone(), r.nuisances.clone()));
        let repeats = scored(parts, sample, estimand, &self.weights, &self.clusters)?;
        Ok(FittedInteractive {
            estimate: median_of(&repeats)?,
            repeats,
            estimand,
            ..self.clone()
        })
    }
}

/// Estimates the average effect of a binary `d` (0 or 1) on `y` with effects free to vary with x.
///
/// Propensities that are learned are clipped to `[clip, 1 - clip]` and counted; known ones are n × 2: untreated, treated.
///
/// Source: Chernozhukov et al. (2018), section 5.1.
///
/// # Errors
/// As [`multi_arm`], and a treatment that is not binary.
pub fn interactive(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    estimand: Estimand,
    learners: ArmLearners<'_>,
    watch: Watch<'_>,
) -> Result<FittedInteractive, DmlError> {
    let of_row = check_binary("treatment", sample.d)?;
    let arms = Arms {
        of_row: &of_row,
        count: 2,
    };
    let outcome = ArrayView1::from(sample.y).insert_axis(Axis(1));
    let fitted = multi_arm(params, &sample.with(arms, outcome), learners, watch)?;
    let parts = fitted.repeats.into_iter().map(|r| {
        let nuisances = InteractiveNuisances {
            g0: r.g_hat[0].column(0).to_vec(),
            g1: r.g_hat[0].column(1).to_vec(),
            m: treated_propensity(r.m_hat.view()),
            clip: r.clip,
        };
        (r.folds, nuisances)
    });
    let repeats = scored(parts, sample, estimand, &fitted.weights, &fitted.clusters)?;
    Ok(FittedInteractive {
        estimate: median_of(&repeats)?,
        estimand,
        repeats,
        flags: fitted.flags,
        weights: fitted.weights,
        trim: fitted.trim,
        clusters: fitted.clusters,
        second: fitted.second,
    })
}

fn scored(
    parts: impl Iterator<Item = (Folds, InteractiveNuisances)>,
    sample: &Sample<'_>,
    estimand: Estimand,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Vec<Repeat<InteractiveNuisances>>, DmlError> {
    let Sample { y, d, .. } = *sample;
    let one = |(folds, nuisances): (Folds, InteractiveNuisances)| {
        let scores = score::interactive(Observed { y, d }, &nuisances, estimand, w);
        let estimate = solve(&scores, w, clusters)?;
        Ok(Repeat {
            folds,
            nuisances,
            scores,
            estimate,
        })
    };
    parts.map(one).collect()
}
