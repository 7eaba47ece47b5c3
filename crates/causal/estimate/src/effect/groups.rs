//! Average effects within groups, from the same scores as the average over all.

use ceteris_stats::Clusters;

use crate::inference::{Estimate, InferenceError, solve};
use crate::score::Scores;

/// The mean of `gamma` (doubly robust scores of a contrast, one a row) within each group `0..n_groups`, with errors
/// clustered by unit. `groups[i]` absent leaves row i out.
///
/// Groups must not be chosen by the same outcomes: by covariates, or by effects learned on other units.
///
/// # Errors
/// Lengths that disagree, a group without weight or with one unit only, scores that are not finite.
///
/// ```
/// use ceteris_estimate::effect::group_effects;
/// use ceteris_stats::Clusters;
/// let groups = [Some(0), Some(1), Some(0), Some(1), None];
/// let found = group_effects(&[1.0, 5.0, 3.0, 7.0, 99.0], &groups, 2, &[1.0; 5], &Clusters::rows(5))?;
/// assert_eq!((found[0].estimate, found[1].estimate), (2.0, 6.0));
/// # Ok::<(), ceteris_estimate::inference::InferenceError>(())
/// ```
pub fn group_effects(
    gamma: &[f64],
    groups: &[Option<usize>],
    n_groups: usize,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Vec<Estimate>, InferenceError> {
    if groups.len() != gamma.len() || w.len() != gamma.len() {
        return Err(InferenceError::Length {
            what: if w.len() == gamma.len() {
                "groups"
            } else {
                "weights"
            },
            found: if w.len() == gamma.len() {
                groups.len()
            } else {
                w.len()
            },
            rows: gamma.len(),
        });
    }
    (0..n_groups)
        .map(|g| {
            let inside: Vec<f64> = groups
                .iter()
                .zip(w)
                .map(|(of, w)| if *of == Some(g) { *w } else { 0.0 })
                .collect();
            let rows = groups.iter().filter(|of| **of == Some(g)).count();
            let mut found = solve(&Scores::mean_of(gamma.to_vec()), &inside, clusters)?;
            found.n = rows;
            Ok(found)
        })
        .collect()
}
