//! One cross-fitting and its estimate, and how repeats become one answer.

use ceteris_stats::Clusters;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::DmlError;
use crate::inference::{Estimate, median_over_repeats, solve, solve_two_way};
use crate::learner::LearnerFlag;
use crate::sample::Folds;
use crate::score::Scores;

/// One cross-fitting: its folds, nuisances, scores and estimate.
#[derive(Clone, Debug)]
pub struct Repeat<N> {
    /// The folds.
    pub folds: Folds,
    /// Cross-fitted predictions.
    pub nuisances: N,
    /// The score.
    pub scores: Scores,
    /// The estimate of this repeat alone.
    pub estimate: Estimate,
}

/// How often a nuisance's fits raised a flag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlagCount {
    /// The nuisance, such as `g_1` or `m`.
    pub nuisance: String,
    /// What was flagged.
    pub flag: LearnerFlag,
    /// Fits (one a fold and repeat) that flagged it.
    pub fits: usize,
}

/// A recipe of one parameter, fitted: what every recipe of this folder answers.
#[derive(Clone, Debug)]
pub struct Fitted<N> {
    /// The estimate: the median over repeats.
    pub estimate: Estimate,
    /// Each cross-fitting.
    pub repeats: Vec<Repeat<N>>,
    /// What the learners flagged.
    pub flags: Vec<FlagCount>,
    /// Row weights, as used.
    pub weights: Vec<f64>,
    /// Which rows are one unit.
    pub clusters: Clusters,
}

/// What is left of a treatment or instrument that the covariates determine: rounding, relative to its own spread.
const DETERMINED: f64 = 1e-12;

/// The scores, without slope where it is rounding beside the spreads of `d` and `z` before anything was partialled out:
/// then the covariates determine one of them, and there is nothing to estimate.
pub(super) fn unless_determined(mut scores: Scores, w: &[f64], d: &[f64], z: &[f64]) -> Scores {
    let total: f64 = w.iter().sum();
    let squares = |v: &[f64]| -> f64 {
        let mean = v.iter().zip(w).map(|(v, w)| v * w).sum::<f64>() / total;
        v.iter().zip(w).map(|(v, w)| w * (v - mean) * (v - mean)).sum()
    };
    let slope: f64 = scores.psi_a.iter().zip(w).map(|(a, w)| a * w).sum();
    if slope.abs() <= DETERMINED * (squares(d) * squares(z)).sqrt() {
        scores.psi_a.fill(0.0);
    }
    scores
}

impl<N> Fitted<N> {
    /// Turns each repeat's predictions into nuisances and scores by `score`, solves them, and takes the median.
    pub(super) fn solve(
        folds: Vec<Folds>,
        predictions: Vec<Vec<Array2<f64>>>,
        flags: Vec<FlagCount>,
        weights: Vec<f64>,
        clusters: Clusters,
        score: impl Fn(&[Array2<f64>]) -> (N, Scores),
    ) -> Result<Self, DmlError> {
        let mut repeats = Vec::with_capacity(folds.len());
        for (folds, hats) in folds.into_iter().zip(&predictions) {
            let (nuisances, scores) = score(hats);
            let estimate = solve(&scores, &weights, &clusters)?;
            repeats.push(Repeat {
                folds,
                nuisances,
                scores,
                estimate,
            });
        }
        let estimates: Vec<Estimate> = repeats.iter().map(|r| r.estimate.clone()).collect();
        Ok(Fitted {
            estimate: median_over_repeats(&estimates)?,
            repeats,
            flags,
            weights,
            clusters,
        })
    }

    /// The estimate with errors clustered by a second way too. Cut the sample by [`super::FoldPlan::ByTwoWays`] with the
    /// same second way, or nuisances have seen rows that share it.
    ///
    /// # Errors
    /// Clusters of another length.
    pub fn two_way(&self, second: &Clusters) -> Result<Estimate, DmlError> {
        let one = |r: &Repeat<N>| solve_two_way(&r.scores, &self.weights, &self.clusters, second);
        let estimates = self.repeats.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok(median_over_repeats(&estimates)?)
    }
}

/// Column `j` of nuisance `k`.
pub(super) fn hat(hats: &[Array2<f64>], k: usize, j: usize) -> Vec<f64> {
    hats[k].column(j).to_vec()
}
