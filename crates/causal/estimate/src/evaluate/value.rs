//! The value of treating by a rule, from doubly robust scores: never a sum of outcomes of those it would treat.

use ceteris_stats::Clusters;
use ndarray::ArrayView2;

use super::EvaluateError;
use crate::inference::{Estimate, solve};
use crate::score::Scores;

/// The mean outcome had every unit been given the arm `choice[i]`, against everybody having arm `against` (none: the
/// value itself).
///
/// `potential` is n × K, the doubly robust scores of the potential means; the rule must have been learned on other
/// units.
///
/// Source: Athey and Wager (2021), *Policy learning with observational data*, equation 3.
///
/// # Errors
/// Lengths, an arm that is no column, scores that are not finite, fewer than two units.
///
/// ```
/// use ceteris_estimate::evaluate::policy_value;
/// use ceteris_stats::Clusters;
/// let potential = ndarray::array![[1.0, 3.0], [2.0, 0.0]];
/// let value = policy_value(potential.view(), &[1, 0], None, &[1.0; 2], &Clusters::rows(2))?;
/// assert_eq!(value.estimate, 2.5);
/// # Ok::<(), ceteris_estimate::evaluate::EvaluateError>(())
/// ```
pub fn policy_value(
    potential: ArrayView2<f64>,
    choice: &[usize],
    against: Option<usize>,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Estimate, EvaluateError> {
    if choice.len() != potential.nrows() {
        return Err(EvaluateError::Length {
            what: "choices",
            found: choice.len(),
            rows: potential.nrows(),
        });
    }
    let arms = potential.ncols();
    if let Some(&arm) = choice.iter().chain(&against).find(|&&a| a >= arms) {
        return Err(EvaluateError::UnknownArm { arm, arms });
    }
    let base = |row: usize| against.map_or(0.0, |a| potential[[row, a]]);
    let score = choice
        .iter()
        .enumerate()
        .map(|(i, &a)| potential[[i, a]] - base(i));
    Ok(solve(&Scores::mean_of(score.collect()), w, clusters)?)
}
