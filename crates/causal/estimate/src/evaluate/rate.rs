//! RATE: does treating by priority beat treating at random? AUTOC and Qini with errors.

use std::collections::BTreeSet;

use ceteris_stats::{Clusters, normal_cdf, normal_quantile};
use ceteris_stats::{Unit, hash};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::EvaluateError;

/// Salt of the half-samples.
const HALF_SALT: u64 = 0x7261_7465;

/// How the targeting curve is weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateWeight {
    /// All shares alike: finds small groups of large effect.
    Autoc,
    /// A share by its size: the area between the Qini curve and its diagonal.
    Qini,
}

/// A rank-weighted average treatment effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The area under the weighted targeting curve; zero where priorities say nothing.
    pub estimate: f64,
    /// Its standard error from half-samples of units.
    pub std_error: f64,
}

impl Rate {
    /// The two-sided normal interval at `level`.
    pub fn ci(&self, level: f64) -> [f64; 2] {
        let half = normal_quantile(0.5 + 0.5 * level) * self.std_error;
        [self.estimate - half, self.estimate + half]
    }

    /// Two-sided p-value of priorities that say nothing.
    pub fn p_value(&self) -> f64 {
        2.0 * normal_cdf(-(self.estimate / self.std_error).abs())
    }
}

/// `integral over u in (0, 1] of alpha(u) (mean of gamma among the top u by priority − mean of gamma)`, alpha 1
/// (AUTOC) or u (Qini).
///
/// `gamma` are doubly robust scores of the contrast, `priority` numbers learned on other units; rows of equal priority
/// share the mean of their scores. The error is the standard deviation over `resamples` half-samples of whole units
/// drawn from `seed`, which is that of the full sample.
///
/// Source: Yadlowsky, Fleming, Shah, Brunskill and Wager (2021), *Evaluating treatment prioritization rules via
/// rank-weighted average treatment effects*.
///
/// # Errors
/// Lengths, values that are not finite, fewer than four units, fewer than two resamples.
///
/// ```
/// use ceteris_estimate::evaluate::{RateWeight, rate};
/// use ceteris_stats::Unit;
/// let found = rate(&[4.0, 0.0, 2.0, 2.0], &[9.0, 1.0, 5.0, 5.0], &[1.0; 4], &Unit::one_per_row(4), RateWeight::Autoc, 50, 1)?;
/// // Above the mean of 2 by 2, 1, 2/3 and 0 at the four shares.
/// assert!((found.estimate - (2.0 + 1.0 + 2.0 / 3.0) / 4.0).abs() < 1e-12);
/// # Ok::<(), ceteris_estimate::evaluate::EvaluateError>(())
/// ```
pub fn rate(
    gamma: &[f64],
    priority: &[f64],
    w: &[f64],
    units: &[Unit],
    weight: RateWeight,
    resamples: usize,
    seed: u64,
) -> Result<Rate, EvaluateError> {
    let clusters = Clusters::by_unit(units);
    super::check(gamma, &[("priorities", priority)], w, &clusters)?;
    if resamples < 2 {
        return Err(EvaluateError::TooFew {
            what: "resamples",
            found: resamples,
            needed: 2,
        });
    }
    let count = clusters.weighted_count(w);
    if count < 4 {
        return Err(EvaluateError::TooFew {
            what: "units",
            found: count,
            needed: 4,
        });
    }
    let mut order: Vec<usize> = (0..gamma.len()).filter(|&i| w[i] > 0.0).collect();
    order.sort_by(|&a, &b| priority[b].total_cmp(&priority[a]));
    let estimate = area(&order, gamma, priority, w, weight);
    let distinct: BTreeSet<Unit> = order.iter().map(|&i| units[i]).collect();
    let distinct: Vec<Unit> = distinct.into_iter().collect();
    let number: Vec<usize> = units
        .iter()
        .map(|u| distinct.binary_search(u).unwrap_or(0))
        .collect();
    let draws: Vec<f64> = (0..resamples as u64)
        .into_par_iter()
        .map(|r| {
            // Exactly half of the units, by rank of their hash.
            let of = |u: &Unit| hash(seed, u.bytes(), HALF_SALT ^ (r << 32));
            let mut ranked: Vec<(u64, usize)> =
                distinct.iter().enumerate().map(|(c, u)| (of(u), c)).collect();
            ranked.sort_unstable();
            let mut chosen = vec![false; distinct.len()];
            ranked[..distinct.len() / 2]
                .iter()
                .for_each(|&(_, c)| chosen[c] = true);
            let half: Vec<usize> = order.iter().copied().filter(|&i| chosen[number[i]]).collect();
            area(&half, gamma, priority, w, weight)
        })
        .collect();
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    let squares: f64 = draws.iter().map(|d| (d - mean).powi(2)).sum();
    Ok(Rate {
        estimate,
        std_error: (squares / (draws.len() as f64 - 1.0)).sqrt(),
    })
}

/// The weighted area for rows by falling priority.
fn area(order: &[usize], gamma: &[f64], priority: &[f64], w: &[f64], weight: RateWeight) -> f64 {
    let total: f64 = order.iter().map(|&i| w[i]).sum();
    let mean = order.iter().map(|&i| w[i] * gamma[i]).sum::<f64>() / total;
    let (mut share, mut sum, mut area) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| priority[a] == priority[b]) {
        let weight_here: f64 = tied.iter().map(|&i| w[i]).sum();
        let score = tied.iter().map(|&i| w[i] * gamma[i]).sum::<f64>() / weight_here;
        for &i in tied {
            share += w[i];
            sum += w[i] * score;
            let above = sum / share - mean;
            area += match weight {
                RateWeight::Autoc => w[i] * above,
                RateWeight::Qini => w[i] * above * share / total,
            };
        }
    }
    area / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qini_by_hand() {
        let rows = Unit::one_per_row(4);
        let q = rate(
            &[4.0, 0.0, 3.0, 1.0],
            &[4.0, 1.0, 3.0, 2.0],
            &[1.0; 4],
            &rows,
            RateWeight::Qini,
            20,
            1,
        )
        .unwrap();
        // Tops: 4, 3.5, 8/3, 2 less 2, at shares 1/4, 1/2, 3/4, 1.
        let by_hand = (2.0 * 0.25 + 1.5 * 0.5 + (8.0 / 3.0 - 2.0) * 0.75) / 4.0;
        assert!((q.estimate - by_hand).abs() < 1e-12);
    }

    #[test]
    fn one_priority_for_all_says_nothing() {
        let rows = Unit::one_per_row(50);
        let gamma: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17)).collect();
        let none = rate(&gamma, &[1.0; 50], &[1.0; 50], &rows, RateWeight::Autoc, 20, 1).unwrap();
        assert!(none.estimate.abs() < 1e-12);
    }
}
