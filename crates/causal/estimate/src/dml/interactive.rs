//! The interactive recipe for a binary treatment: the average effect over everybody, the treated, the untreated, or
//! those of whom treatment is uncertain.

use ceteris_stats::Clusters;
use ndarray::{ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::params::check_binary;
use super::{DmlError, FlagCount, PropensitySource, Repeat, Rows, ValidDmlParams, Watch, multi_arm};
use crate::inference::{Estimate, median_over_repeats, solve, solve_two_way};
use crate::learner::Regressor;
use crate::sample::Folds;
use crate::score::{
    ClipReport, TrimReport, interactive_atc, interactive_ate, interactive_att, interactive_overlap,
    treated_propensity,
};

/// Whose effect is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimand {
    /// Everybody's.
    Ate,
    /// The treated's.
    Att,
    /// The untreated's.
    Atc,
    /// Weighted by m (1 - m): of those who could have had either arm.
    Overlap,
}

/// Cross-fitted nuisances of the interactive model, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct InteractiveNuisances {
    /// E[y | d = 0, x].
    pub g0: Vec<f64>,
    /// E[y | d = 1, x].
    pub g1: Vec<f64>,
    /// P(d = 1 | x), after clipping.
    pub m: Vec<f64>,
    /// What clipping did; absent where propensities were known.
    pub clip: Option<ClipReport>,
}

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
}

impl FittedInteractive {
    /// The estimate with errors clustered by a second way too; see [`super::Fitted::two_way`].
    ///
    /// # Errors
    /// As [`super::Fitted::two_way`].
    pub fn two_way(&self, second: &Clusters) -> Result<Estimate, DmlError> {
        let one = |r: &Repeat<_>| solve_two_way(&r.scores, &self.weights, &self.clusters, second);
        let estimates = self.repeats.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok(median_over_repeats(&estimates)?)
    }

    /// Another estimand from the same nuisances: no learner runs again.
    ///
    /// # Errors
    /// Scores that are not finite or have no slope.
    pub fn of(&self, y: &[f64], d: &[f64], estimand: Estimand) -> Result<FittedInteractive, DmlError> {
        let parts = self
            .repeats
            .iter()
            .map(|r| (r.folds.clone(), r.nuisances.clone()))
            .collect();
        let fit = solve_repeats(parts, y, d, estimand, &self.weights, &self.clusters)?;
        Ok(FittedInteractive {
            estimate: fit.0,
            repeats: fit.1,
            estimand,
            ..self.clone()
        })
    }
}

/// Estimates the average effect of a binary `d` (0 or 1) on `y` with effects free to vary with x.
///
/// `ml_g` learns E[y | d, x] on each arm's rows; propensities are learned, clipped to `[clip, 1 - clip]` and counted,
/// or taken as given (n × 2: untreated, treated).
///
/// Source: Chernozhukov et al. (2018), section 5.1.
///
/// # Errors
/// As [`multi_arm`], and a treatment that is not binary.
pub fn interactive(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    y: &[f64],
    d: &[f64],
    estimand: Estimand,
    propensity: PropensitySource<'_>,
    ml_g: &dyn Regressor,
    watch: Watch<'_>,
) -> Result<FittedInteractive, DmlError> {
    let arms = check_binary("treatment", d)?;
    let outcome = ArrayView1::from(y).insert_axis(Axis(1)).to_owned();
    let fitted = multi_arm(params, rows, &arms, 2, &outcome, propensity, ml_g, watch)?;
    let parts = fitted
        .repeats
        .into_iter()
        .map(|r| {
            let nuisances = InteractiveNuisances {
                g0: r.g_hat[0].column(0).to_vec(),
                g1: r.g_hat[0].column(1).to_vec(),
                m: treated_propensity(r.m_hat.view()),
                clip: r.clip,
            };
            (r.folds, nuisances)
        })
        .collect();
    let (estimate, repeats) = solve_repeats(parts, y, d, estimand, &fitted.weights, &fitted.clusters)?;
    Ok(FittedInteractive {
        estimate,
        estimand,
        repeats,
        flags: fitted.flags,
        weights: fitted.weights,
        trim: fitted.trim,
        clusters: fitted.clusters,
    })
}

fn solve_repeats(
    parts: Vec<(Folds, InteractiveNuisances)>,
    y: &[f64],
    d: &[f64],
    estimand: Estimand,
    w: &[f64],
    clusters: &Clusters,
) -> Result<(Estimate, Vec<Repeat<InteractiveNuisances>>), DmlError> {
    let mut repeats = Vec::with_capacity(parts.len());
    for (folds, nuisances) in parts {
        let InteractiveNuisances { g0, g1, m, .. } = &nuisances;
        let scores = match estimand {
            Estimand::Ate => interactive_ate(y, d, g0, g1, m),
            Estimand::Att => interactive_att(y, d, g0, m, w),
            Estimand::Atc => interactive_atc(y, d, g1, m, w),
            Estimand::Overlap => interactive_overlap(y, d, g0, g1, m),
        };
        let estimate = solve(&scores, w, clusters)?;
        repeats.push(Repeat {
            folds,
            nuisances,
            scores,
            estimate,
        });
    }
    let estimates: Vec<Estimate> = repeats.iter().map(|r| r.estimate.clone()).collect();
    Ok((median_over_repeats(&estimates)?, repeats))
}
