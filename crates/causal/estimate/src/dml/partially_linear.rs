//! The partially linear recipes: partial out, then regress residual on residual; and the instrument type.

use super::repeat::unless_determined;
use super::{DmlError, Fitted, ValidDmlParams};
use crate::argument::check_values;
use crate::crossfit::{Nuisance, Plan};
use crate::inference::solve;
use crate::learner::Regressor;
use crate::progress::{Counter, Watch};
use crate::sample::Sample;
use crate::score::{self, IvTypeNuisances, Observed, PartiallyLinearNuisances};

/// Learners of the partially linear model.
#[derive(Clone, Copy)]
pub struct PartiallyLinearLearners<'a> {
    /// Learns E[y | x].
    pub l: &'a dyn Regressor,
    /// Learns E[d | x]; a classifier through [`crate::learner::Probability`].
    pub m: &'a dyn Regressor,
}

/// Learners of the instrument type.
#[derive(Clone, Copy)]
pub struct IvTypeLearners<'a> {
    /// Learns E[y | x], for the first estimate.
    pub l: &'a dyn Regressor,
    /// Learns E[d | x].
    pub m: &'a dyn Regressor,
    /// Learns E[y - theta d | x] at the first estimate of theta.
    pub g: &'a dyn Regressor,
}

/// A fitted partially linear model; the estimate is the overlap-weighted coefficient.
pub type FittedPartiallyLinear = Fitted<PartiallyLinearNuisances>;

/// Estimates theta in `y = theta d + g(x) + e` with `E[d|x] = m(x)`, by partialling out. The treatment may be continuous
/// or binary; where effects vary, theta weights them by the variance of d given x.
///
/// Source: Chernozhukov et al. (2018), sections 3 and 4.1.
///
/// # Errors
/// Lengths, values that are not finite, folds, learners, or no variation of d given x: see [`DmlError`].
///
/// ```
/// use ceteris_effect::Column;
/// use ceteris_estimate::dml::{DmlParams, PartiallyLinearLearners, partially_linear};
/// use ceteris_estimate::learner::{BasisParams, Design, Linear};
/// use ceteris_estimate::{Sample, unwatched};
/// use ceteris_stats::Unit;
/// let x = Design::from_columns(vec![(Column::numeric("x"), (0..40).map(f64::from).collect())])?;
/// let d: Vec<f64> = (0..40).map(|i| f64::from(i * i % 7)).collect();
/// let y: Vec<f64> = (0..40).map(|i| 3.0 * d[i] + 2.0 * i as f64).collect();
/// let unit = Unit::one_per_row(40);
/// let sample = Sample { y: &y[..], d: &d[..], z: None, x: &x, weight: None, unit: &unit, cluster: None };
/// let ols = Linear::ols(BasisParams::LINEAR);
/// let learners = PartiallyLinearLearners { l: &ols, m: &ols };
/// let fit = partially_linear(&DmlParams::default().check()?, &sample, learners, &unwatched)?;
/// assert!((fit.estimate.estimate - 3.0).abs() < 1e-9); // y - 3 d is a line in x
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn partially_linear(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    learners: PartiallyLinearLearners<'_>,
    watch: Watch<'_>,
) -> Result<FittedPartiallyLinear, DmlError> {
    let rows = sample.check()?;
    let Sample { y, d, x, .. } = *sample;
    check_values(&[("outcome", y), ("treatment", d)], x.n())?;
    let folds = params.cut(sample, &[])?;
    let mut plan = Plan::default();
    let l = plan.add(Nuisance::mean("l", learners.l, y));
    let m = plan.add(Nuisance::mean("m", learners.m, d));
    let fitted = params.cross_fit(&plan, &sample.rows(&rows.weights), &folds, watch)?;
    let weights = rows.weights.clone();
    Fitted::solve(folds, fitted, rows, |hats| {
        let nuisances = PartiallyLinearNuisances {
            l_hat: hats.only(l),
            m_hat: hats.only(m),
        };
        let scores = score::partially_linear(Observed { y, d }, &nuisances);
        (nuisances, unless_determined(scores, &weights, d, d))
    })
}

/// Estimates the same theta by the instrument-type score: partialling out gives a first theta, then `g` learns
/// `E[y - theta d | x]`, and d's residual instruments d.
///
/// Sample and `# Errors` as in [`partially_linear`]; `g` is fitted in a second round, so progress is told twice.
///
/// Source: Chernozhukov et al. (2018), equation 4.3.
pub fn partially_linear_iv_type(
    params: &ValidDmlParams,
    sample: &Sample<'_>,
    learners: IvTypeLearners<'_>,
    watch: Watch<'_>,
) -> Result<Fitted<IvTypeNuisances>, DmlError> {
    let rows = sample.check()?;
    let Sample { y, d, .. } = *sample;
    let IvTypeLearners { l, m, g } = learners;
    let first = partially_linear(params, sample, PartiallyLinearLearners { l, m }, watch)?;
    let mut task: usize = first.repeats.iter().map(|r| 2 * r.folds.k()).sum();
    let (mut parts, mut flags) = (Vec::new(), first.flags);
    for repeat in first.repeats {
        let theta = solve(&repeat.scores, &rows.weights, &rows.clusters)?.estimate;
        let rest: Vec<f64> = y.iter().zip(d).map(|(y, d)| y - theta * d).collect();
        let mut plan = Plan::default();
        let g = plan.add(Nuisance::mean("g", g, &rest));
        let folds = std::slice::from_ref(&repeat.folds);
        let counter = Counter::new(watch, plan.fits(folds));
        let fitted = params.cross_fit_from(task, &plan, &sample.rows(&rows.weights), folds, &counter)?;
        task += repeat.folds.k();
        flags.extend(fitted.flags);
        for hats in &fitted.repeats {
            let nuisances = IvTypeNuisances {
                l_hat: repeat.nuisances.l_hat.clone(),
                m_hat: repeat.nuisances.m_hat.clone(),
                g_hat: hats.only(g),
                first: theta,
            };
            let scores = score::partially_linear_iv_type(Observed { y, d }, &nuisances);
            parts.push((repeat.folds.clone(), (nuisances, scores)));
        }
    }
    Fitted::of(parts, flags, rows)
}
