//! One cross-fitting and its estimate, and how repeats become one answer.

use ceteris_stats::Clusters;

use super::DmlError;
use crate::argument::ArgumentError;
use crate::crossfit::{CrossFitted, FlagCount, Hats};
use crate::inference::{Estimate, median_over_repeats, solve, solve_two_way};
use crate::sample::{Checked, Folds};
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
    /// Which rows share a cluster of the sample's second way, where it has one.
    pub second: Option<Clusters>,
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
        fitted: CrossFitted,
        rows: Checked,
        score: impl Fn(&Hats) -> (N, Scores),
    ) -> Result<Self, DmlError> {
        let parts = folds.into_iter().zip(fitted.repeats.iter().map(score)).collect();
        Fitted::of(parts, fitted.flags, rows)
    }

    /// Solves the scores of each repeat and takes the median.
    pub(super) fn of(
        parts: Vec<(Folds, (N, Scores))>,
        flags: Vec<FlagCount>,
        rows: Checked,
    ) -> Result<Self, DmlError> {
        let Checked {
            weights,
            clusters,
            second,
        } = rows;
        let mut repeats = Vec::with_capacity(parts.len());
        for (folds, (nuisances, scores)) in parts {
            let estimate = solve(&scores, &weights, &clusters)?;
            repeats.push(Repeat {
                folds,
                nuisances,
                scores,
                estimate,
            });
        }
        Ok(Fitted {
            estimate: median_of(&repeats)?,
            repeats,
            flags,
            weights,
            clusters,
            second,
        })
    }

    /// The estimate with errors clustered by the sample's second way too. Cut the sample by
    /// [`super::FoldPlan::ByTwoWays`], or nuisances have seen rows that share it.
    ///
    /// # Errors
    /// A sample without a second way.
    pub fn two_way(&self) -> Result<Estimate, DmlError> {
        two_way(&self.repeats, &self.weights, &self.clusters, self.second.as_ref())
    }
}

/// The median over repeats.
pub(super) fn median_of<N>(repeats: &[Repeat<N>]) -> Result<Estimate, DmlError> {
    let estimates: Vec<Estimate> = repeats.iter().map(|r| r.estimate.clone()).collect();
    Ok(median_over_repeats(&estimates)?)
}

/// The median over repeats with errors clustered in two ways.
pub(super) fn two_way<N>(
    repeats: &[Repeat<N>],
    weights: &[f64],
    clusters: &Clusters,
    second: Option<&Clusters>,
) -> Result<Estimate, DmlError> {
    let missing = ArgumentError::Missing {
        what: "second way of clustering",
    };
    let second = second.ok_or(missing)?;
    let one = |r: &Repeat<N>| solve_two_way(&r.scores, weights, clusters, second);
    let estimates = repeats.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(median_over_repeats(&estimates)?)
}
