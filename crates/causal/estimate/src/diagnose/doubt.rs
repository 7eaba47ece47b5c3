//! Flags: conditions under which a nominal interval is not to be taken at its word.

use ceteris_stats::Clusters;
use serde::{Deserialize, Serialize};

use super::overlap::ArmOverlap;
use crate::inference::Estimate;
use crate::score::Scores;

/// Share of the score's square that one unit may carry; as many equal shares as this in small samples, where some unit
/// is always large.
const LARGEST_SHARE_MAX: f64 = 0.1;
const EQUAL_SHARES_MAX: f64 = 10.0;
/// Tail index of the score below which its variance does not exist.
const TAIL_INDEX_MIN: f64 = 2.0;
/// Share of the rows that may have an extreme propensity of some arm.
const EXTREME_SHARE_MAX: f64 = 0.01;
/// Effective rows of an arm under its inverse propensities, as a share of its rows.
const EFFECTIVE_SHARE_MIN: f64 = 0.4;
/// Below this a propensity is extreme.
pub const EXTREME_PROPENSITY: f64 = 0.025;

/// Why an interval may not hold the truth as often as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Some kind of unit hardly ever has one of the arms: the average rests on few rows and on the clip. The
    /// overlap-weighted effect does not.
    Overlap,
    /// One unit carries much of the error, or errors have no variance: the normal approximation is far off.
    HeavyTail,
    /// Under fifty independent units.
    FewClusters,
    /// The instrument hardly moves the treatment: read the Anderson–Rubin set.
    WeakInstrument,
}

/// How heavy the tail of a score is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// The largest unit's share of the sum of squares.
    pub largest_share: f64,
    /// Hill's index of the largest sqrt(G) units: moments of a higher order do not exist.
    pub index: f64,
}

/// Measures the tail of a solved score, unit by unit.
///
/// Source: Hill (1975) for the index.
pub fn tail(scores: &Scores, theta: f64, w: &[f64], clusters: &Clusters) -> Tail {
    tail_of(&by_unit(scores, theta, w, clusters))
}

/// Each unit's sum of the solved score.
fn by_unit(scores: &Scores, theta: f64, w: &[f64], clusters: &Clusters) -> Vec<f64> {
    let psi: Vec<f64> = scores.at(theta).iter().zip(w).map(|(p, w)| p * w).collect();
    clusters.sums_of(&psi)
}

fn tail_of(influence: &[f64]) -> Tail {
    let mut sizes: Vec<f64> = influence.iter().map(|s| s.abs()).collect();
    sizes.sort_unstable_by(|a, b| b.total_cmp(a));
    let squares: f64 = sizes.iter().map(|s| s * s).sum();
    let k = (sizes.len() as f64).sqrt().floor() as usize;
    let logs: f64 = match sizes.get(k) {
        Some(base) if k > 0 && *base > 0.0 => sizes[..k].iter().map(|s| (s / base).ln()).sum(),
        _ => 0.0,
    };
    Tail {
        largest_share: sizes.first().map_or(0.0, |s| s * s / squares),
        index: k as f64 / logs,
    }
}

/// The flags of an estimate: `scores` its score, `arms` its overlap where the treatment is discrete, measured with
/// [`EXTREME_PROPENSITY`] as the threshold. A weak instrument is told by its own statistic.
pub fn doubts(
    estimate: &Estimate,
    scores: &Scores,
    w: &[f64],
    clusters: &Clusters,
    arms: &[ArmOverlap],
) -> Vec<Doubt> {
    doubts_of_influence(estimate, &by_unit(scores, estimate.estimate, w, clusters), arms)
}

/// As [`doubts`], of an estimate that is known by each unit's influence on it, in any scale.
pub fn doubts_of_influence(estimate: &Estimate, influence: &[f64], arms: &[ArmOverlap]) -> Vec<Doubt> {
    let mut found = Vec::new();
    let thin = |a: &ArmOverlap| {
        a.extreme_share > EXTREME_SHARE_MAX || a.effective_rows < EFFECTIVE_SHARE_MIN * a.rows as f64
    };
    if arms.iter().any(thin) {
        found.push(Doubt::Overlap);
    }
    let tail = tail_of(influence);
    let share_max = LARGEST_SHARE_MAX.max(EQUAL_SHARES_MAX / influence.len() as f64);
    if tail.largest_share > share_max || tail.index < TAIL_INDEX_MIN {
        found.push(Doubt::HeavyTail);
    }
    if estimate.few_clusters() {
        found.push(Doubt::FewClusters);
    }
    found
}

#[cfg(test)]
mod tests {
    use ceteris_stats::normal_quantile;

    use super::*;
    use crate::inference::solve;

    fn of(quantile: impl Fn(f64) -> f64, n: usize) -> (Tail, Vec<Doubt>) {
        let values = (0..n).map(|i| quantile((i as f64 + 0.5) / n as f64)).collect();
        let scores = Scores::mean_of(values);
        let (w, rows) = (vec![1.0; n], Clusters::rows(n));
        let e = solve(&scores, &w, &rows).unwrap();
        (
            tail(&scores, e.estimate, &w, &rows),
            doubts(&e, &scores, &w, &rows, &[]),
        )
    }

    #[test]
    fn a_normal_score_raises_nothing_and_a_cauchy_one_does() {
        let (calm, none) = of(normal_quantile, 500);
        assert!(
            calm.index > 4.0 && calm.largest_share < 0.03 && none.is_empty(),
            "{calm:?}"
        );
        let (wild, flags) = of(|u| (std::f64::consts::PI * (u - 0.5)).tan(), 500);
        assert!((wild.index - 1.0).abs() < 0.2, "{wild:?}");
        assert_eq!(flags, [Doubt::HeavyTail]);
        assert_eq!(of(normal_quantile, 40).1, [Doubt::FewClusters]);
    }

    #[test]
    fn thin_overlap_is_told_by_share_or_by_effective_rows() {
        let scores = Scores::mean_of((0..60).map(|i| f64::from(i % 5)).collect());
        let (w, rows) = (vec![1.0; 60], Clusters::rows(60));
        let e = solve(&scores, &w, &rows).unwrap();
        let arm = |extreme_share, effective_rows| ArmOverlap {
            rows: 30,
            propensity_mean: 0.5,
            propensity_min: 0.1,
            propensity_max: 0.9,
            extreme_share,
            effective_rows,
            coefficient: 0.8,
        };
        let flags = |a| doubts(&e, &scores, &w, &rows, &[a]);
        assert!(flags(arm(0.0, 25.0)).is_empty());
        assert_eq!(flags(arm(0.02, 25.0)), [Doubt::Overlap]);
        assert_eq!(flags(arm(0.0, 10.0)), [Doubt::Overlap]);
    }
}
