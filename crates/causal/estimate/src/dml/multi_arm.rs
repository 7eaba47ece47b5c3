//! The multi-arm recipe: regressions by arm, generalised propensities, doubly robust scores of potential means.

use ceteris_stats::Clusters;
use ndarray::{Array2, ArrayView1, Axis};

use super::crossfit::{Nuisance, cross_fit};
use super::params::{check_finite, check_length};
use super::{DmlError, FlagCount, Rows, ValidDmlParams, Watch};
use crate::inference::{Estimate, median_over_repeats, solve};
use crate::learner::{Classifier, Regressor};
use crate::sample::Folds;
use crate::score::{ClipReport, Scores, TrimReport, clip_propensities, contrast, potential_means, trim};

/// Where propensities come from.
#[derive(Clone, Copy)]
pub enum PropensitySource<'a> {
    /// Estimated by cross-fitting, then clipped.
    Learned(&'a dyn Classifier),
    /// Known by design or from a decision log, n × K. Taken as they are: never re-estimated, never clipped.
    Known(&'a Array2<f64>),
}

/// One cross-fitting of a multi-arm model with K arms and m outcomes.
#[derive(Clone, Debug)]
pub struct MultiArmRepeat {
    /// The folds.
    pub folds: Folds,
    /// Generalised propensities used, n × K.
    pub m_hat: Array2<f64>,
    /// Regressions by arm, one n × K table for each outcome.
    pub g_hat: Vec<Array2<f64>>,
    /// Doubly robust scores of the potential means, one n × K table for each outcome.
    pub potential: Vec<Array2<f64>>,
    /// What clipping did; absent where propensities were known.
    pub clip: Option<ClipReport>,
}

/// A fitted multi-arm model. Arm 0 is control.
#[derive(Clone, Debug)]
pub struct FittedMultiArm {
    /// Number of arms, control included.
    pub n_arms: usize,
    /// Number of outcomes.
    pub n_outcomes: usize,
    /// Each cross-fitting.
    pub repeats: Vec<MultiArmRepeat>,
    /// What the learners flagged.
    pub flags: Vec<FlagCount>,
    /// Row weights, as given; zero where trimmed.
    pub weights: Vec<f64>,
    /// What trimming left out, where it was asked for.
    pub trim: Option<TrimReport>,
    /// Which rows are one unit.
    pub clusters: Clusters,
}

impl FittedMultiArm {
    /// `Gamma_a` of an outcome, one value a row: the mean over repeats of the score of arm `a` against arm `b`.
    pub fn gamma(&self, outcome: usize, a: usize, b: usize) -> Vec<f64> {
        let mut sum = vec![0.0; self.weights.len()];
        for repeat in &self.repeats {
            let one = contrast(repeat.potential[outcome].view(), a, b);
            sum.iter_mut().zip(one).for_each(|(s, v)| *s += v);
        }
        let scale = 1.0 / self.repeats.len() as f64;
        sum.iter().map(|s| s * scale).collect()
    }

    /// Average effect of arm `a` against arm `b` (0 for control) on an outcome, over the weighted rows: the median
    /// over repeats.
    ///
    /// # Errors
    /// Scores that are not finite, or fewer than two units.
    pub fn ate(&self, outcome: usize, a: usize, b: usize) -> Result<Estimate, DmlError> {
        self.estimate(|r| contrast(r.potential[outcome].view(), a, b))
    }

    /// The mean outcome had everybody arm `a`.
    ///
    /// # Errors
    /// As [`FittedMultiArm::ate`].
    pub fn potential_mean(&self, outcome: usize, a: usize) -> Result<Estimate, DmlError> {
        self.estimate(|r| r.potential[outcome].column(a).to_vec())
    }

    fn estimate(&self, score: impl Fn(&MultiArmRepeat) -> Vec<f64>) -> Result<Estimate, DmlError> {
        let one = |r| solve(&Scores::mean_of(score(r)), &self.weights, &self.clusters);
        let estimates = self.repeats.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok(median_over_repeats(&estimates)?)
    }
}

/// Fits the doubly robust scores of `n_arms` arms (0 = control) on every column of `outcomes` (n × m).
///
/// `arms[i] < n_arms` is the arm of row i. `ml_g` regresses all outcomes at once on the rows of each arm; all outcomes
/// share the propensities. Every arm's contrast is against the same control rows with the same propensities, so
/// arms are comparable with each other.
///
/// Source: Cattaneo (2010); Chernozhukov et al. (2018), section 5.1, for cross-fitting.
///
/// # Errors
/// Lengths, values that are not finite, an arm without enough rows, known propensities that are none, folds or
/// learners: see [`DmlError`].
pub fn multi_arm(
    params: &ValidDmlParams,
    rows: &Rows<'_>,
    arms: &[usize],
    n_arms: usize,
    outcomes: &Array2<f64>,
    propensity: PropensitySource<'_>,
    ml_g: &dyn Regressor,
    watch: Watch<'_>,
) -> Result<FittedMultiArm, DmlError> {
    let (mut weights, clusters) = rows.check()?;
    check_arms(rows, arms, n_arms, outcomes)?;
    let folds = params.cut(rows.units, arms)?;
    let mut nuisances: Vec<Nuisance<'_>> = (0..n_arms)
        .map(|a| Nuisance::means(format!("g_{a}"), ml_g, outcomes.view()).among(arms, a))
        .collect();
    match propensity {
        PropensitySource::Learned(learner) => {
            nuisances.push(Nuisance::classes("m", learner, arms, n_arms));
        }
        PropensitySource::Known(m) => check_known(m, arms, n_arms)?,
    }
    let seed = |task| params.learner_seed(task);
    let fitted = cross_fit(&rows.sample(&weights), &folds, &nuisances, seed, watch)?;
    let trimmed = params.get().trim.map(|threshold| {
        let least = least_propensity(&fitted.predictions, n_arms, propensity, arms.len());
        trim(&mut weights, &least, threshold)
    });
    let repeats = folds
        .into_iter()
        .zip(fitted.predictions)
        .map(|(folds, hats)| assemble(folds, hats, arms, n_arms, outcomes, propensity, params.get().clip))
        .collect();
    let n_outcomes = outcomes.ncols();
    Ok(FittedMultiArm {
        n_arms,
        n_outcomes,
        repeats,
        flags: fitted.flags,
        weights,
        trim: trimmed,
        clusters,
    })
}

/// Each row's least propensity before clipping, averaged over repeats, so that all repeats trim the same rows.
fn least_propensity(
    predictions: &[Vec<Array2<f64>>],
    n_arms: usize,
    propensity: PropensitySource<'_>,
    rows: usize,
) -> Vec<f64> {
    let least = |m: &Array2<f64>, i: usize| m.row(i).fold(f64::INFINITY, |a, b| a.min(*b));
    match propensity {
        PropensitySource::Known(m) => (0..rows).map(|i| least(m, i)).collect(),
        PropensitySource::Learned(_) => (0..rows)
            .map(|i| {
                predictions
                    .iter()
                    .map(|hats| least(&hats[n_arms], i))
                    .sum::<f64>()
            })
            .map(|sum| sum / predictions.len() as f64)
            .collect(),
    }
}

fn assemble(
    folds: Folds,
    hats: Vec<Array2<f64>>,
    arms: &[usize],
    n_arms: usize,
    outcomes: &Array2<f64>,
    propensity: PropensitySource<'_>,
    clip: f64,
) -> MultiArmRepeat {
    let (m_hat, report) = match propensity {
        PropensitySource::Known(m) => (m.clone(), None),
        PropensitySource::Learned(_) => {
            let mut m = hats[n_arms].clone();
            let report = clip_propensities(&mut m, clip);
            (m, Some(report))
        }
    };
    let of_outcome = |o: usize| Array2::from_shape_fn((arms.len(), n_arms), |(i, a)| hats[a][[i, o]]);
    let g_hat: Vec<Array2<f64>> = (0..outcomes.ncols()).map(of_outcome).collect();
    let potential = g_hat
        .iter()
        .zip(outcomes.axis_iter(Axis(1)))
        .map(|(g, y)| potential_means(&y.to_vec(), arms, g.view(), m_hat.view()))
        .collect();
    MultiArmRepeat {
        folds,
        m_hat,
        g_hat,
        potential,
        clip: report,
    }
}

fn check_arms(
    rows: &Rows<'_>,
    arms: &[usize],
    n_arms: usize,
    outcomes: &Array2<f64>,
) -> Result<(), DmlError> {
    if n_arms < 2 {
        return Err(DmlError::Parameter {
            name: "arms",
            range: "at least 2, control included",
        });
    }
    check_length("arms", arms.len(), rows.x.n())?;
    check_length("outcomes", outcomes.nrows(), rows.x.n())?;
    if let Some(row) = arms.iter().position(|a| *a >= n_arms) {
        return Err(DmlError::UnknownArm {
            row,
            arm: arms[row],
            n_arms,
        });
    }
    let finite = |r: ArrayView1<'_, f64>| r.iter().all(|v| v.is_finite());
    match outcomes.outer_iter().position(|r| !finite(r)) {
        Some(row) => Err(DmlError::Value {
            what: "outcomes",
            row,
        }),
        None => Ok(()),
    }
}

pub(super) fn check_known(m: &Array2<f64>, arms: &[usize], n_arms: usize) -> Result<(), DmlError> {
    check_length("propensities", m.nrows(), arms.len())?;
    check_length("propensities of one row", m.ncols(), n_arms)?;
    check_finite("propensities", m.iter())?;
    let bad = |(row, &arm): (usize, &usize)| {
        let p = m.row(row);
        p[arm] <= 0.0 || p.iter().any(|v| *v < 0.0) || (p.sum() - 1.0).abs() > 1e-6
    };
    arms.iter()
        .enumerate()
        .position(bad)
        .map_or(Ok(()), |row| Err(DmlError::Propensity { row }))
}
