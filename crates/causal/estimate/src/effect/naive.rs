//! The difference in means: what one gets without asking why units were treated. Shown beside the estimate.

use ceteris_stats::Clusters;

use crate::inference::{Estimate, InferenceError, degrees_of_freedom};

/// Weighted mean of `y` in arm `a` minus that in arm `b`, with an HC2 error summed by unit.
///
/// Without weights or repeated units the error is Welch's, `sqrt(s_a^2/n_a + s_b^2/n_b)`. Rows of other arms do not
/// count. It is an effect only where arms were assigned at random.
///
/// # Errors
/// Lengths that disagree, an arm of fewer than two rows of positive weight, values that are not finite.
///
/// ```
/// use ceteris_estimate::effect::difference_in_means;
/// use ceteris_stats::Clusters;
/// let naive = difference_in_means(&[1.0, 3.0, 4.0, 8.0], &[0, 0, 1, 1], 1, 0, &[1.0; 4], &Clusters::rows(4))?;
/// assert_eq!(naive.estimate, 4.0);
/// assert!((naive.std_error - (2.0f64 / 2.0 + 8.0 / 2.0).sqrt()).abs() < 1e-12);
/// # Ok::<(), ceteris_estimate::inference::InferenceError>(())
/// ```
pub fn difference_in_means(
    y: &[f64],
    arms: &[usize],
    a: usize,
    b: usize,
    w: &[f64],
    clusters: &Clusters,
) -> Result<Estimate, InferenceError> {
    let rows = y.len();
    for (what, found) in [
        ("arms", arms.len()),
        ("weights", w.len()),
        ("clusters", clusters.n()),
    ] {
        if found != rows {
            return Err(InferenceError::Length { what, found, rows });
        }
    }
    let mut influence = vec![0.0; rows];
    let mut counted = vec![0.0; rows];
    let mut estimate = 0.0;
    for (arm, sign) in [(a, 1.0), (b, -1.0)] {
        let members: Vec<usize> = (0..rows).filter(|&i| arms[i] == arm && w[i] > 0.0).collect();
        if members.len() < 2 {
            return Err(InferenceError::NotDetermined);
        }
        let total: f64 = members.iter().map(|&i| w[i]).sum();
        let mean = members.iter().map(|&i| w[i] * y[i]).sum::<f64>() / total;
        if let Some(&row) = members.iter().find(|&&i| !(y[i] * w[i]).is_finite()) {
            return Err(InferenceError::NotFinite { row });
        }
        for &i in &members {
            let share = w[i] / total;
            // HC2: the residual over the root of one minus its leverage, which in a mean is the row's share.
            influence[i] = sign * share * (y[i] - mean) / (1.0 - share).sqrt();
            counted[i] = 1.0;
        }
        estimate += sign * mean;
    }
    let count = clusters.weighted_count(&counted);
    if count < 2 {
        return Err(InferenceError::TooFewClusters { clusters: count });
    }
    let n = counted.iter().filter(|c| **c > 0.0).count();
    let std_error = clusters.sum_of_squares(&influence).sqrt();
    Ok(Estimate {
        estimate,
        std_error,
        n,
        clusters: count,
        df: degrees_of_freedom(count),
    })
}
