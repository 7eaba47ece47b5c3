//! Inference that survives a weak instrument: the Anderson–Rubin set of a linear score, and the strength of its slope.

use ceteris_stats::{Clusters, normal_quantile, student_t_quantile};
use serde::{Deserialize, Serialize};

use super::InferenceError;
use super::estimate::{Root, degrees_of_freedom, root};
use crate::score::Scores;

/// First-stage F below which the usual interval of an instrument is not to be trusted (Staiger and Stock 1997).
pub const WEAK_F: f64 = 10.0;

/// Every value of the parameter that the data do not reject.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobustSet {
    /// The values from the first to the second.
    Interval([f64; 2]),
    /// The values up to the first and from the second on: the instrument is too weak to bound the parameter.
    Outside([f64; 2]),
    /// The data reject no value.
    Everything,
}

/// The strength of a slope: `(sum w psi_a)^2` over its cluster-robust variance about its mean.
///
/// For the score of an instrument this is the effective first-stage F statistic.
///
/// # Errors
/// As [`super::solve`].
pub fn first_stage_f(scores: &Scores, w: &[f64], clusters: &Clusters) -> Result<f64, InferenceError> {
    let Root { slope, .. } = root(scores, w, clusters)?;
    let total: f64 = w.iter().sum();
    let mean = slope / total;
    let centred: Vec<f64> = scores.psi_a.iter().zip(w).map(|(a, w)| w * (a - mean)).collect();
    Ok(slope * slope / clusters.sum_of_squares(&centred))
}

/// All theta with `(sum w psi(theta))^2 <= c^2 sum_c (sum_{i in c} w psi(theta))^2`, c the two-sided critical value
/// at `level`: right whether or not the slope is far from zero.
///
/// Source: Anderson and Rubin (1949), for a linear orthogonal score.
///
/// # Errors
/// As [`super::solve`].
pub fn anderson_rubin(
    scores: &Scores,
    w: &[f64],
    clusters: &Clusters,
    level: f64,
) -> Result<RobustSet, InferenceError> {
    let Root { theta, slope } = root(scores, w, clusters)?;
    let p = 0.5 + 0.5 * level;
    let c = match degrees_of_freedom(clusters.weighted_count(w)) {
        None => normal_quantile(p),
        Some(df) => student_t_quantile(p, df),
    };
    // In t = value - theta the sum is -slope t and cluster sums are s_c - a_c t.
    let weighted = |v: &[f64]| -> Vec<f64> { v.iter().zip(w).map(|(v, w)| v * w).collect() };
    let s = clusters.sums_of(&weighted(&scores.at(theta)));
    let a = clusters.sums_of(&weighted(&scores.psi_a));
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let (c2, saa, sas, sss) = (c * c, dot(&a, &a), dot(&a, &s), dot(&s, &s));
    let (square, half, constant) = (slope * slope - c2 * saa, c2 * sas, -c2 * sss);
    let discriminant = half * half - square * constant;
    if discriminant < 0.0 {
        return Ok(RobustSet::Everything);
    }
    let width = discriminant.sqrt();
    let mut ends = [(-half - width) / square, (-half + width) / square].map(|t| theta + t);
    ends.sort_unstable_by(f64::total_cmp);
    Ok(if square > 0.0 {
        RobustSet::Interval(ends)
    } else {
        RobustSet::Outside(ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::solve;

    fn scores(slope: f64) -> Scores {
        let wave = |i: i32| f64::from((i * 7919) % 101) / 50.5 - 1.0;
        Scores {
            psi_a: (0..200).map(|i| slope + wave(i)).collect(),
            psi_b: (0..200)
                .map(|i| 2.0 * (slope + wave(i)) + wave(3 * i + 1))
                .collect(),
        }
    }

    #[test]
    fn a_strong_slope_gives_nearly_the_usual_interval() {
        let s = scores(50.0);
        let rows = Clusters::rows(200);
        let usual = solve(&s, &[1.0; 200], &rows).unwrap().ci(0.95);
        let RobustSet::Interval(set) = anderson_rubin(&s, &[1.0; 200], &rows, 0.95).unwrap() else {
            panic!("not bounded");
        };
        assert!((set[0] - usual[0]).abs() < 1e-3 && (set[1] - usual[1]).abs() < 1e-3);
        assert!(first_stage_f(&s, &[1.0; 200], &rows).unwrap() > 1000.0 * WEAK_F);
    }

    #[test]
    fn its_ends_are_where_the_statistic_meets_the_critical_value() {
        let s = scores(0.4);
        let rows = Clusters::rows(200);
        let RobustSet::Interval(set) = anderson_rubin(&s, &[1.0; 200], &rows, 0.95).unwrap() else {
            panic!("not bounded");
        };
        for end in set {
            let psi = s.at(end);
            let t = psi.iter().sum::<f64>() / psi.iter().map(|p| p * p).sum::<f64>().sqrt();
            assert!((t.abs() - normal_quantile(0.975)).abs() < 1e-9, "{t}");
        }
    }

    #[test]
    fn a_slope_that_may_be_zero_bounds_nothing() {
        let s = scores(0.01);
        let rows = Clusters::rows(200);
        assert!(first_stage_f(&s, &[1.0; 200], &rows).unwrap() < WEAK_F);
        let set = anderson_rubin(&s, &[1.0; 200], &rows, 0.95).unwrap();
        assert!(!matches!(set, RobustSet::Interval(_)), "{set:?}");
    }
}
