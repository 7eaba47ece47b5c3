//! Rosenbaum bounds: how unequal the odds of treatment within a matched pair would have to be to explain the effect away.

use ceteris_stats::normal_cdf;
use serde::{Deserialize, Serialize};

/// Odds ratios looked at by the search for the one that explains the effect away.
const GAMMA_MAX: f64 = 1e3;

/// One-sided p-values of no effect, at their worst under hidden bias.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RosenbaumBound {
    /// Odds of treatment within a pair may differ by this factor.
    pub gamma: f64,
    /// Largest one-sided p-value of Wilcoxon's signed rank test that such a bias allows.
    pub p_value_max: f64,
}

/// The bound at `gamma` for matched differences, treated minus control; the direction is that of the larger rank sum.
/// Differences of zero say nothing and are left out. NaN without any other.
///
/// Source: Rosenbaum (2002), *Observational Studies*, section 4.3, by the normal approximation.
pub fn rosenbaum_bound(differences: &[f64], gamma: f64) -> RosenbaumBound {
    RosenbaumBound {
        gamma,
        p_value_max: Ranks::of(differences).p_value(gamma),
    }
}

/// The largest gamma at which the one-sided p-value stays at or below `level`; 1 where it is above it even without bias.
pub fn rosenbaum_gamma(differences: &[f64], level: f64) -> f64 {
    let ranks = Ranks::of(differences);
    let holds = |gamma: f64| ranks.p_value(gamma) <= level;
    if !holds(1.0) {
        return 1.0;
    }
    let (mut low, mut high) = (1.0, GAMMA_MAX);
    if holds(high) {
        return high;
    }
    for _ in 0..60 {
        let mid = 0.5 * (low + high);
        if holds(mid) { low = mid } else { high = mid }
    }
    low
}

struct Ranks {
    /// Rank sum of the differences of the prevailing sign.
    statistic: f64,
    sum: f64,
    squares: f64,
}

impl Ranks {
    fn of(differences: &[f64]) -> Self {
        let mut sorted: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
        sorted.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
        let (mut positive, mut sum, mut squares) = (0.0, 0.0, 0.0);
        let mut start = 0;
        while start < sorted.len() {
            let size = sorted[start].abs();
            let end = start + sorted[start..].partition_point(|d| d.abs() <= size);
            // Equal sizes share the mean of their ranks.
            let rank = 0.5 * (start + 1 + end) as f64;
            for d in &sorted[start..end] {
                sum += rank;
                squares += rank * rank;
                if *d > 0.0 {
                    positive += rank;
                }
            }
            start = end;
        }
        Ranks {
            statistic: positive.max(sum - positive),
            sum,
            squares,
        }
    }

    fn p_value(&self, gamma: f64) -> f64 {
        let p = gamma / (1.0 + gamma);
        let z = (self.statistic - p * self.sum) / (p * (1.0 - p) * self.squares).sqrt();
        normal_cdf(-z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_ranks_by_hand() {
        // Ranks of 1, -2, 3, 3, -3: 1, 2, 4, 4, 4; positive 9 of 15, squares 53. Mean and variance at gamma 1: 7.5, 13.25.
        let bound = rosenbaum_bound(&[1.0, -2.0, 3.0, 0.0, 3.0, -3.0], 1.0);
        assert!((bound.p_value_max - normal_cdf(-1.5 / 13.25f64.sqrt())).abs() < 1e-15);
    }

    #[test]
    fn more_bias_explains_more() {
        let d: Vec<f64> = (0..60)
            .map(|i| if i % 6 == 0 { -1.0 } else { 1.0 } * f64::from(1 + i % 7))
            .collect();
        let gamma = rosenbaum_gamma(&d, 0.05);
        assert!(gamma > 2.0, "{gamma}");
        assert!((rosenbaum_bound(&d, gamma).p_value_max - 0.05).abs() < 1e-9);
        assert!(rosenbaum_bound(&d, 1.0).p_value_max < rosenbaum_bound(&d, 1.5).p_value_max);
        let even: Vec<f64> = (0..60).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(rosenbaum_gamma(&even, 0.05), 1.0);
    }
}
