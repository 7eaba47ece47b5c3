//! An estimate with its standard error, interval and p-value.

use serde::{Deserialize, Serialize};

use super::{Clusters, normal_cdf, normal_quantile, student_t_cdf, student_t_quantile};
use crate::score::Scores;

/// Under this many clusters the reference distribution is t with one degree fewer than clusters.
pub const FEW_CLUSTERS: usize = 50;

/// A number with its standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Rows.
    pub n: usize,
    /// Independent units, G.
    pub clusters: usize,
    /// Degrees of freedom of Student's t where clusters are few; absent where the normal is used.
    pub df: Option<f64>,
}

/// Why a score has no estimate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InferenceError {
    /// Scores, weights or clusters have different lengths.
    #[error("{what} has {found} rows where the scores have {rows}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the scores.
        rows: usize,
    },
    /// A score is NaN or infinite.
    #[error("the score of row {row} is not a finite number")]
    NotFinite {
        /// The row.
        row: usize,
    },
    /// The scores do not depend on the parameter, or no row has weight.
    #[error("the data do not determine the parameter: its weighted score has no slope")]
    NotDetermined,
    /// One cluster has no variance.
    #[error("{clusters} independent units give no standard error; at least 2 are needed")]
    TooFewClusters {
        /// Independent units.
        clusters: usize,
    },
}

impl Estimate {
    /// Whether there are too few clusters for the normal approximation.
    pub fn few_clusters(&self) -> bool {
        self.df.is_some()
    }

    /// The critical value of a two-sided interval at `level` (0.95, say).
    pub fn critical_value(&self, level: f64) -> f64 {
        let p = 0.5 + 0.5 * level;
        self.df
            .map_or_else(|| normal_quantile(p), |df| student_t_quantile(p, df))
    }

    /// The two-sided interval `[lo, hi]` at `level`.
    pub fn ci(&self, level: f64) -> [f64; 2] {
        let half = self.critical_value(level) * self.std_error;
        [self.estimate - half, self.estimate + half]
    }

    /// Two-sided p-value of the hypothesis that the parameter is zero.
    pub fn p_value(&self) -> f64 {
        let z = -(self.estimate / self.std_error).abs();
        2.0 * self.df.map_or_else(|| normal_cdf(z), |df| student_t_cdf(z, df))
    }
}

/// Solves `sum_i w_i psi_i(theta) = 0` and gives theta its cluster-robust error.
///
/// `theta = sum w psi_b / sum w psi_a`, `se = sqrt(sum_c (sum_{i in c} w_i psi_i(theta))^2) / |sum w psi_a|`. Without
/// weights or repeated units this is `sqrt(mean(psi^2) / mean(psi_a)^2 / n)`. The scale of `w` does not matter.
///
/// # Errors
/// Lengths that disagree, scores that are not finite, no slope, fewer than two clusters of positive weight.
///
/// ```
/// use ceteris_causal::{inference::{Clusters, solve}, score::Scores};
/// let mean = solve(&Scores::mean_of(vec![1.0, 3.0]), &[1.0, 1.0], &Clusters::rows(2))?;
/// assert_eq!(mean.estimate, 2.0);
/// assert!((mean.std_error - 0.5f64.sqrt()).abs() < 1e-15); // sqrt(mean(1, 1) / 2)
/// # Ok::<(), ceteris_causal::inference::InferenceError>(())
/// ```
pub fn solve(scores: &Scores, w: &[f64], clusters: &Clusters) -> Result<Estimate, InferenceError> {
    let rows = scores.n();
    for (what, found) in [
        ("psi_a", scores.psi_a.len()),
        ("weights", w.len()),
        ("clusters", clusters.n()),
    ] {
        if found != rows {
            return Err(InferenceError::Length { what, found, rows });
        }
    }
    let finite = |i: &usize| (w[*i] * (scores.psi_a[*i] + scores.psi_b[*i])).is_finite();
    if let Some(row) = (0..rows).find(|i| !finite(i)) {
        return Err(InferenceError::NotFinite { row });
    }
    let (mut a, mut b) = (0.0, 0.0);
    for i in 0..rows {
        a += w[i] * scores.psi_a[i];
        b += w[i] * scores.psi_b[i];
    }
    if a == 0.0 {
        return Err(InferenceError::NotDetermined);
    }
    let count = clusters.weighted_count(w);
    if count < 2 {
        return Err(InferenceError::TooFewClusters { clusters: count });
    }
    let theta = b / a;
    let psi: Vec<f64> = scores.at(theta).iter().zip(w).map(|(p, w)| p * w).collect();
    Ok(Estimate {
        estimate: theta,
        std_error: clusters.sum_of_squares(&psi).sqrt() / a.abs(),
        n: rows,
        clusters: count,
        df: degrees_of_freedom(count),
    })
}

/// G − 1 where clusters are few, else none.
pub(crate) fn degrees_of_freedom(clusters: usize) -> Option<f64> {
    (clusters < FEW_CLUSTERS).then_some(clusters as f64 - 1.0)
}

/// The median estimate over repeated cross-fitting, with
/// `se = sqrt(median_r (se_r^2 + (theta_r - theta)^2))`.
///
/// Source: Chernozhukov et al. (2018), definition 3.3.
///
/// # Errors
/// [`InferenceError::NotDetermined`] for no repeats.
pub fn median_over_repeats(repeats: &[Estimate]) -> Result<Estimate, InferenceError> {
    let first = repeats.first().ok_or(InferenceError::NotDetermined)?;
    let estimate = median(repeats.iter().map(|r| r.estimate).collect());
    let spread = median(
        repeats
            .iter()
            .map(|r| r.std_error.powi(2) + (r.estimate - estimate).powi(2))
            .collect(),
    );
    Ok(Estimate {
        estimate,
        std_error: spread.sqrt(),
        ..first.clone()
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let mid = values.len() / 2;
    if values.len() % 2 == 1 {
        values[mid]
    } else {
        0.5 * (values[mid - 1] + values[mid])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Unit;

    fn scores() -> Scores {
        Scores {
            psi_a: vec![1.0, 2.0, 1.0],
            psi_b: vec![3.0, 2.0, 1.0],
        }
    }

    #[test]
    fn ratio_and_error_by_hand() {
        // theta = 6/4; psi = 1.5, -1, -0.5; se = sqrt(2.25 + 1 + .25) / 4.
        let e = solve(&scores(), &[1.0; 3], &Clusters::rows(3)).unwrap();
        assert_eq!(e.estimate, 1.5);
        assert!((e.std_error - 3.5f64.sqrt() / 4.0).abs() < 1e-15);
        assert_eq!(e.df, Some(2.0));
    }

    #[test]
    fn rows_of_a_unit_are_summed_first() {
        let clusters = Clusters::by_unit(&[Unit::from(5), Unit::from(1), Unit::from(5)]);
        let e = solve(&scores(), &[1.0; 3], &clusters).unwrap();
        assert!((e.std_error - 2.0f64.sqrt() / 4.0).abs() < 1e-15);
        assert_eq!(e.clusters, 2);
    }

    #[test]
    fn scale_of_weights_does_not_matter() {
        let a = solve(&scores(), &[1.0, 2.0, 3.0], &Clusters::rows(3)).unwrap();
        let b = solve(&scores(), &[8.0, 16.0, 24.0], &Clusters::rows(3)).unwrap();
        assert_eq!(a, b);
    }

    #[test]
    fn refuses_what_it_cannot_answer() {
        let flat = Scores {
            psi_a: vec![0.0; 3],
            psi_b: vec![1.0; 3],
        };
        assert_eq!(
            solve(&flat, &[1.0; 3], &Clusters::rows(3)),
            Err(InferenceError::NotDetermined)
        );
        let nan = Scores::mean_of(vec![1.0, f64::NAN, 2.0]);
        assert_eq!(
            solve(&nan, &[1.0; 3], &Clusters::rows(3)),
            Err(InferenceError::NotFinite { row: 1 })
        );
        let one = Clusters::by_unit(&[Unit::from(1); 3]);
        assert_eq!(
            solve(&scores(), &[1.0; 3], &one),
            Err(InferenceError::TooFewClusters { clusters: 1 })
        );
    }

    #[test]
    fn median_adds_the_spread_of_repeats() {
        let e = |estimate, std_error| Estimate {
            estimate,
            std_error,
            n: 9,
            clusters: 9,
            df: None,
        };
        let m = median_over_repeats(&[e(1.0, 1.0), e(4.0, 1.0), e(2.0, 1.0)]).unwrap();
        // Squared: 1 + 1, 1 + 4, 1 + 0 about the median 2; their median is 2.
        assert_eq!((m.estimate, m.std_error), (2.0, 2.0f64.sqrt()));
        assert_eq!(median_over_repeats(&[]), Err(InferenceError::NotDetermined));
    }
}
