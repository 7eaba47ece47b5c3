//! The multi-arm recipe: regressions by arm, generalised propensities, doubly robust scores of potential means.

use ceteris_stats::Clusters;
use ndarray::{Array2, ArrayView1, Axis};

use super::{DmlError, FlagCount, PropensitySource, ValidDmlParams};
use crate::argument::{ArgumentError, check_length};
use crate::crossfit::{Hats, Key, Nuisance, Plan, Propensities};
use crate::inference::{Estimate, median_over_repeats, solve};
use crate::learner::Regressor;
use crate::progress::Watch;
use crate::sample::{ArmSample, Checked, Folds};
use crate::score::{ArmHats, ClipReport, Scores, TrimReport, contrast, potential_means, trim};

/// Learners of a model of arms.
#[derive(Clone, Copy)]
pub struct ArmLearners<'a> {
    /// Learns E[y | arm, x], all outcomes at once, on the rows of each arm.
    pub g: &'a dyn Regressor,
    /// The propensities of the arms, which all outcomes share: learned and clipped, or known (n × K).
    pub m: PropensitySource<'a>,
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
    /// Which rows share a cluster of the sample's second way, where it has one.
    pub second: Option<Clusters>,
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

/// Fits the doubly robust scores of the sample's arms (0 = control) on every column of its outcomes (n × m).
///
/// Every arm's contrast is against the same control rows with the same propensities, so arms are comparable with each
/// other.
///
/// Source: Cattaneo (2010); Chernozhukov et al. (2018), section 5.1, for cross-fitting.
///
/// # Errors
/// Lengths, values that are not finite, an arm without enough rows, known propensities that are none, folds or
/// learners: see [`DmlError`].
pub fn multi_arm<'a>(
    params: &ValidDmlParams,
    sample: &ArmSample<'a>,
    learners: ArmLearners<'a>,
    watch: Watch<'_>,
) -> Result<FittedMultiArm, DmlError> {
    let Checked {
        mut weights,
        clusters,
        second,
    } = sample.check()?;
    check_outcomes(sample)?;
    let arms = sample.d;
    let folds = params.cut(sample, arms.of_row)?;
    let mut plan = Plan::default();
    let g: Vec<Key> = (0..arms.count)
        .map(|a| plan.add(Nuisance::means(format!("g_{a}"), learners.g, sample.y).among(arms.of_row, a)))
        .collect();
    let m = learners.m.plan(&mut plan, "m", arms)?;
    let fitted = params.cross_fit(&plan, &sample.rows(&weights), &folds, watch)?;
    let trimmed = params.get().trim.map(|threshold| {
        let least = least_propensity(&fitted.repeats, &m, arms.of_row.len());
        trim(&mut weights, &least, threshold)
    });
    let repeat = |(folds, hats): (Folds, &Hats)| {
        let (m_hat, clip) = m.clipped(hats, params.get().clip);
        let g_hat = |o: usize| {
            Array2::from_shape_fn((arms.of_row.len(), arms.count), |(i, a)| hats.all(g[a])[[i, o]])
        };
        let g_hat: Vec<Array2<f64>> = (0..sample.y.ncols()).map(g_hat).collect();
        let potential = g_hat
            .iter()
            .zip(sample.y.axis_iter(Axis(1)))
            .map(|(g, y)| {
                let hats = ArmHats {
                    g: g.view(),
                    m: m_hat.view(),
                };
                potential_means(&y.to_vec(), arms.of_row, hats)
            })
            .collect();
        MultiArmRepeat {
            folds,
            m_hat,
            g_hat,
            potential,
            clip,
        }
    };
    let repeats = folds.into_iter().zip(&fitted.repeats).map(repeat).collect();
    Ok(FittedMultiArm {
        n_arms: arms.count,
        n_outcomes: sample.y.ncols(),
        repeats,
        flags: fitted.flags,
        weights,
        trim: trimmed,
        clusters,
        second,
    })
}

/// Each row's least propensity before clipping, averaged over repeats, so that all repeats trim the same rows.
fn least_propensity(repeats: &[Hats], m: &Propensities<'_>, rows: usize) -> Vec<f64> {
    let least = |m: &Array2<f64>, i: usize| m.row(i).fold(f64::INFINITY, |a, b| a.min(*b));
    match m {
        Propensities::Known(m) => (0..rows).map(|i| least(m, i)).collect(),
        Propensities::Learned(_) => (0..rows)
            .map(|i| repeats.iter().map(|hats| least(m.of(hats), i)).sum::<f64>())
            .map(|sum| sum / repeats.len() as f64)
            .collect(),
    }
}

fn check_outcomes(sample: &ArmSample<'_>) -> Result<(), ArgumentError> {
    let rows = sample.x.n();
    sample.d.check(rows)?;
    check_length("outcomes", sample.y.nrows(), rows)?;
    let finite = |r: ArrayView1<'_, f64>| r.iter().all(|v| v.is_finite());
    match sample.y.outer_iter().position(|r| !finite(r)) {
        Some(row) => Err(ArgumentError::Value {
            what: "outcomes",
            row,
        }),
        None => Ok(()),
    }
}
