//! The interactive recipe for a binary treatment: average effect, or effect on the treated.

use ndarray::{ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::{DmlError, FlagCount, PropensitySource, Repeat, Rows, ValidDmlParams, Watch, multi_arm};
use crate::inference::{Estimate, median_over_repeats, solve};
use crate::learner::Regressor;
use crate::score::{ClipReport, interactive_ate, interactive_att};

/// Whose effect is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimand {
    /// Everybody's.
    Ate,
    /// The treated's.
    Att,
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
    if let Some(row) = d.iter().position(|v| *v != 0.0 && *v != 1.0) {
        return Err(DmlError::NotBinary { row });
    }
    let arms: Vec<usize> = d.iter().map(|v| usize::from(*v == 1.0)).collect();
    let outcome = ArrayView1::from(y).insert_axis(Axis(1)).to_owned();
    let fitted = multi_arm(params, rows, &arms, 2, &outcome, propensity, ml_g, watch)?;
    let mut repeats = Vec::with_capacity(fitted.repeats.len());
    for r in fitted.repeats {
        let nuisances = InteractiveNuisances {
            g0: r.g_hat[0].column(0).to_vec(),
            g1: r.g_hat[0].column(1).to_vec(),
            m: clipped_both_ways(r.m_hat.column(1), r.m_hat.column(0)),
            clip: r.clip,
        };
        let InteractiveNuisances { g0, g1, m, .. } = &nuisances;
        let scores = match estimand {
            Estimand::Ate => interactive_ate(y, d, g0, g1, m),
            Estimand::Att => interactive_att(y, d, g0, m, &fitted.weights),
        };
        let estimate = solve(&scores, &fitted.weights, &fitted.clusters)?;
        repeats.push(Repeat {
            folds: r.folds,
            nuisances,
            scores,
            estimate,
        });
    }
    let estimates: Vec<Estimate> = repeats.iter().map(|r| r.estimate.clone()).collect();
    let estimate = median_over_repeats(&estimates)?;
    Ok(FittedInteractive {
        estimate,
        estimand,
        repeats,
        flags: fitted.flags,
    })
}

/// Where clipping raised the untreated propensity, the treated one is its complement.
fn clipped_both_ways(treated: ArrayView1<'_, f64>, untreated: ArrayView1<'_, f64>) -> Vec<f64> {
    treated
        .iter()
        .zip(untreated)
        .map(|(t, u)| if t + u > 1.0 && t > u { 1.0 - u } else { *t })
        .collect()
}
