//! The partially linear recipes: partial out, then regress residual on residual; and the instrument type.

use super::crossfit::{Nuisance, cross_fit};
use super::params::check_values;
use super::repeat::{hat, unless_determined};
use super::{DmlError, Fitted, Rows, ValidDmlParams, Watch};
use crate::inference::solve;
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

/// A fitted partially linear model; the estimate is the overlap-weighted coefficient.
pub type FittedPartiallyLinear = Fitted<PartiallyLinearNuisances>;

/// Nuisances of the instrument type, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct IvTypeNuisances {
    /// E[y | x].
    pub l_hat: Vec<f64>,
    /// E[d | x].
    pub m_hat: Vec<f64>,
    /// E[y - theta d | x] at the first estimate of theta.
    pub g_hat: Vec<f64>,
    /// The first estimate, by partialling out.
    pub first: f64,
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
/// use ceteris_estimate::dml::{DmlParams, Rows, partially_linear, unwatched};
/// use ceteris_estimate::learner::{BasisParams, Design, Linear};
/// use ceteris_effect::Column;
/// use ceteris_stats::Unit;
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
    check_values(&[("outcome", y), ("treatment", d)], rows.x.n())?;
    let folds = params.cut(rows.units, &[])?;
    let nuisances = [Nuisance::mean("l", ml_l, y), Nuisance::mean("m", ml_m, d)];
    let seed = |task| params.learner_seed(task);
    let fitted = cross_fit(&rows.sample(&w), &folds, &nuisances, seed, watch)?;
    let weights = w.clone();
    Fitted::solve(folds, fitted.predictions, fitted.flags, w, clusters, |hats| {
        let (l_hat, m_hat) = (hat(hats, 0, 0), hat(hats, 1, 0));
        let scores = unless_determined(score::partially_linear(y, d, &l_hat, &m_hat), &weights, d, d);
        (PartiallyLinearNuisances { l_hat, m_hat }, scores)
    })
}

/// Estimates the same theta by the instrument-type score: partialling out gives a first theta, then `ml_g` learns
/// `E[y - theta d | x]`, and d's residual instruments d.
///
/// Arguments and `# Errors` as in [`partially_linear`]; `ml_g` is fitted in a second round, so progress is told twice.
///
/// Source: Chernozhukov et al. (2018), equation 4.3.
pub fn partially_linear_iv_type(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    y: &[f64],
    d: &[f64],
    ml_l: &dyn Regressor,
    ml_m: &dyn Regressor,
    ml_g: &dyn Regressor,
    watch: Watch<'_>,
) -> Result<Fitted<IvTypeNuisances>, DmlError> {
    let (w, clusters) = rows.check()?;
    let first = partially_linear(params, rows, y, d, ml_l, ml_m, watch)?;
    let tasks: usize = first.repeats.iter().map(|r| 2 * r.folds.k()).sum();
    let (mut folds, mut predictions, mut flags) = (Vec::new(), Vec::new(), first.flags);
    for (number, repeat) in first.repeats.into_iter().enumerate() {
        let theta = solve(&repeat.scores, &w, &clusters)?.estimate;
        let rest: Vec<f64> = y.iter().zip(d).map(|(y, d)| y - theta * d).collect();
        let nuisances = [Nuisance::mean("g", ml_g, &rest)];
        let k = repeat.folds.k();
        let seed = |task| params.learner_seed(tasks + number * k + task);
        let fitted = cross_fit(
            &rows.sample(&w),
            std::slice::from_ref(&repeat.folds),
            &nuisances,
            seed,
            watch,
        )?;
        flags.extend(fitted.flags);
        let column = |v: Vec<f64>| ndarray::Array1::from(v).insert_axis(ndarray::Axis(1));
        let mut hats: Vec<_> = fitted.predictions.into_iter().flatten().collect();
        hats.push(column(repeat.nuisances.l_hat));
        hats.push(column(repeat.nuisances.m_hat));
        hats.push(column(vec![theta]));
        folds.push(repeat.folds);
        predictions.push(hats);
    }
    Fitted::solve(folds, predictions, flags, w, clusters, |hats| {
        let nuisances = IvTypeNuisances {
            g_hat: hat(hats, 0, 0),
            l_hat: hat(hats, 1, 0),
            m_hat: hat(hats, 2, 0),
            first: hats[3][[0, 0]],
        };
        let scores = score::partially_linear_iv_type(y, d, &nuisances.g_hat, &nuisances.m_hat);
        (nuisances, scores)
    })
}
