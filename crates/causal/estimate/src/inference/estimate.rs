//! An estimate with its standard error, interval and p-value.

use ceteris_stats::{Clusters, normal_cdf, normal_quantile, student_t_cdf, student_t_quantile};
use serde::{Deserialize, Serialize};

use super::small_sample::cr2_sum_of_squares;
use crate::score::Scores;

/// Under this many clusters errors are CR2 and the reference distribution is t with one degree fewer than clusters.
pub const FEW_CLUSTERS: usize = 50;

/// A number with its standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error; NaN where there is none, and [`Estimate::no_error`] says why.
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

/// Why an estimate has no standard error: its interval and p-value are NaN rather than false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NoError {
    /// One independent unit has no variance.
    #[error("one independent unit gives no standard error; at least 2 are needed")]
    OneUnit,
    /// Without one of the units the parameter would not be determined, so its share of the error cannot be told.
    #[error("a single unit determines the estimate, so its error cannot be told")]
    OneUnitDecides,
}

impl Estimate {
    /// Why the standard error is NaN; none where it is a number.
    pub fn no_error(&self) -> Option<NoError> {
        if self.clusters < 2 {
            Some(NoError::OneUnit)
        } else {
            self.std_error.is_nan().then_some(NoError::OneUnitDecides)
        }
    }

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
/// weights or repeated units this is `sqrt(mean(psi^2) / mean(psi_a)^2 / n)`. Under [`FEW_CLUSTERS`] clusters each
/// cluster's square is divided by `1 - h_c`, its share of the slope (CR2). The scale of `w` does not matter.
///
/// # Errors
/// Lengths that disagree, scores that are not finite, no slope.
///
/// ```
/// use ceteris_stats::Clusters;
/// use ceteris_estimate::inference::solve;
/// use ceteris_estimate::score::Scores;
/// let mean = solve(&Scores::mean_of(vec![1.0, 3.0]), &[1.0, 1.0], &Clusters::rows(2))?;
/// assert_eq!(mean.estimate, 2.0);
/// assert!((mean.std_error - 1.0).abs() < 1e-12); // the textbook's sqrt(2) / sqrt(2)
/// # Ok::<(), ceteris_estimate::inference::InferenceError>(())
/// ```
pub fn solve(scores: &Scores, w: &[f64], clusters: &Clusters) -> Result<Estimate, InferenceError> {
    let Root { theta, slope } = root(scores, w, clusters)?;
    let count = clusters.weighted_count(w);
    let psi: Vec<f64> = scores.at(theta).iter().zip(w).map(|(p, w)| p * w).collect();
    let squares = match degrees_of_freedom(count) {
        _ if count < 2 => f64::NAN,
        None => clusters.sum_of_squares(&psi),
        Some(_) => cr2_sum_of_squares(&psi, &scores.psi_a, w, clusters),
    };
    Ok(Estimate {
        estimate: theta,
        std_error: squares.sqrt() / slope.abs(),
        n: scores.n(),
        clusters: count,
        df: degrees_of_freedom(count),
    })
}

/// The root of a score and the sum of its weighted slopes.
pub(super) struct Root {
    pub(super) theta: f64,
    pub(super) slope: f64,
}

/// Checks a score against its weights and clusters, and solves it.
pub(super) fn root(scores: &Scores, w: &[f64], clusters: &Clusters) -> Result<Root, InferenceError> {
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
    let (mut slope, mut b) = (0.0, 0.0);
    for i in 0..rows {
        slope += w[i] * scores.psi_a[i];
        b += w[i] * scores.psi_b[i];
    }
    if slope == 0.0 {
        return Err(InferenceError::NotDetermined);
    }
    Ok(Root {
        theta: b / slope,
        slope,
    })
}

/// G − 1 where clusters are few, else none.
pub(crate) fn degrees_of_freedom(clusters: usize) -> Option<f64> {
    (clusters < FEW_CLUSTERS).then_some((clusters as f64 - 1.0).max(0.0))
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
    use ceteris_stats::Unit;

    use super::*;

    fn scores() -> Scores {
        Scores {
            psi_a: vec![1.0, 2.0, 1.0],
            psi_b: vec![3.0, 2.0, 1.0],
        }
    }

    #[test]
    fn ratio_and_error_by_hand() {
        // theta = 6/4; psi = 1.5, -1, -0.5; shares of the slope 1/4, 1/2, 1/4.
        let e = solve(&scores(), &[1.0; 3], &Clusters::rows(3)).unwrap();
        assert_eq!(e.estimate, 1.5);
        let squares: f64 = 2.25 / 0.75 + 1.0 / 0.5 + 0.25 / 0.75;
        assert!((e.std_error - squares.sqrt() / 4.0).abs() < 1e-15);
        assert_eq!(e.df, Some(2.0));
    }

    #[test]
    fn many_clusters_need_no_correction() {
        // Fifty rows, half of them 0 and half 2: sqrt(mean of squares 1 / 50).
        let psi_b = (0..50).map(|i| f64::from(2 * (i % 2))).collect();
        let e = solve(&Scores::mean_of(psi_b), &[1.0; 50], &Clusters::rows(50)).unwrap();
        assert_eq!((e.estimate, e.df), (1.0, None));
        assert!((e.std_error - (1.0f64 / 50.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn rows_of_a_unit_are_summed_first() {
        let clusters = Clusters::by_unit(&[Unit::from(5), Unit::from(1), Unit::from(5)]);
        let e = solve(&scores(), &[1.0; 3], &clusters).unwrap();
        // Sums of 1 and -1, each cluster with half of the slope.
        assert!((e.std_error - 4.0f64.sqrt() / 4.0).abs() < 1e-15);
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
    }

    #[test]
    fn no_error_is_told_apart_from_a_small_one() {
        let one = solve(&scores(), &[1.0; 3], &Clusters::by_unit(&[Unit::from(1); 3])).unwrap();
        assert_eq!((one.estimate, one.no_error()), (1.5, Some(NoError::OneUnit)));
        assert!(one.std_error.is_nan() && one.p_value().is_nan() && one.ci(0.95)[0].is_nan());
        let decided = Scores {
            psi_a: vec![0.0, 0.0, 4.0],
            psi_b: vec![0.0, 0.0, 2.0],
        };
        let e = solve(&decided, &[1.0; 3], &Clusters::rows(3)).unwrap();
        assert_eq!((e.estimate, e.no_error()), (0.5, Some(NoError::OneUnitDecides)));
        let sound = solve(&scores(), &[1.0; 3], &Clusters::rows(3)).unwrap();
        assert_eq!(sound.no_error(), None);
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
