//! The partially linear recipe: partial out, then regress residual on residual.

use ndarray::ArrayView1;
use ndarray::Axis;

use super::crossfit::{Named, Nuisance, cross_fit};
use super::params::{check_finite, check_length};
use super::{DmlError, FlagCount, Repeat, Rows, ValidDmlParams, Watch};
use crate::inference::{Estimate, median_over_repeats, solve};
use crate::learner::Regressor;
use crate::score;

/// Cross-fitted nuisances of the partially linear model, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct PartiallyLinearNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// E[d | x].
    pub m_hat: Vec<f64>,
}

/// A fitted partially linear model.
#[derive(Clone, Debug)]
pub struct FittedPartiallyLinear {
    /// The overlap-weighted coefficient: the median over repeats.
    pub estimate: Estimate,
    /// Each cross-fitting.
    pub repeats: Vec<Repeat<PartiallyLinearNuisances>>,
    /// What the learners flagged.
    pub flags: Vec<FlagCount>,
}

/// Estimates theta in `y = theta d + g(x) + e` with `E[d|x] = m(x)`, by partialling out.
///
/// `y` and `d` (continuous or binary) have one value a row; `ml_l` learns E[y|x], `ml_m` E[d|x] (a classifier through
/// [`crate::learner::Probability`]). Where effects vary, theta weights them by the variance of d given x.
///
/// Source: Chernozhukov et al. (2018), sections 3 and 4.1.
///
/// # Errors
/// Lengths, values that are not finite, folds, learners, or no variation of d given x: see [`DmlError`].
///
/// ```
/// use ceteris_causal::dml::{DmlParams, Rows, partially_linear, unwatched};
/// use ceteris_causal::learner::{BasisParams, Column, Design, Linear};
/// use ceteris_causal::sample::Unit;
/// let x = Design::from_columns(vec![(Column::numeric("x"), (0..40).map(f64::from).collect())])?;
/// let d: Vec<f64> = (0..40).map(|i| f64::from(i * i % 7)).collect();
/// let y: Vec<f64> = (0..40).map(|i| 3.0 * d[i] + 2.0 * i as f64).collect();
/// let rows = Rows { x: &x, units: &Unit::one_per_row(40), weights: None };
/// let ols = Linear::ols(BasisParams::LINEAR);
/// let fit = partially_linear(&DmlParams::default().check()?, &rows, &y, &d, &ols, &ols, &unwatched)?;
/// assert!((fit.estimate.estimate - 3.0).abs() < 1e-9); // y - 3 d is a line in x
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn partially_linear(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    y: &[f64],
    d: &[f64],
    ml_l: &dyn Regressor,
    ml_m: &dyn Regressor,
    watch: Watch<'_>,
) -> Result<FittedPartiallyLinear, DmlError> {
    let (w, clusters) = rows.check()?;
    for (what, v) in [("outcome", y), ("treatment", d)] {
        check_length(what, v.len(), rows.x.n())?;
        check_finite(what, v)?;
    }
    let folds = params.cut(rows.units, &[])?;
    let target = |learner, v| Nuisance::Mean {
        learner,
        y: ArrayView1::from(v).insert_axis(Axis(1)),
        among: None,
    };
    let nuisances = [
        Named {
            name: "l".into(),
            nuisance: target(ml_l, y),
        },
        Named {
            name: "m".into(),
            nuisance: target(ml_m, d),
        },
    ];
    let fitted = cross_fit(
        rows.x,
        &w,
        &folds,
        &nuisances,
        |task| params.learner_seed(task),
        watch,
    )?;
    let mut repeats = Vec::with_capacity(folds.len());
    for (folds, hats) in folds.into_iter().zip(&fitted.predictions) {
        let nuisances = PartiallyLinearNuisances {
            l_hat: hats[0].column(0).to_vec(),
            m_hat: hats[1].column(0).to_vec(),
        };
        let scores = score::partially_linear(y, d, &nuisances.l_hat, &nuisances.m_hat);
        let estimate = solve(&scores, &w, &clusters)?;
        repeats.push(Repeat {
            folds,
            nuisances,
            scores,
            estimate,
        });
    }
    let estimates: Vec<Estimate> = repeats.iter().map(|r| r.estimate.clone()).collect();
    let estimate = median_over_repeats(&estimates)?;
    Ok(FittedPartiallyLinear {
        estimate,
        repeats,
        flags: fitted.flags,
    })
}
