//! Policy parameters, what a policy knows of each arm, and the distribution it makes of them.

use serde::{Deserialize, Serialize};

use super::Distribution;
use super::distribution::WHOLE;

/// How a policy explores.
///
/// | parameter | range | meaning |
/// |---|---|---|
/// | `epsilon` | [0, 1] | share of decisions spread evenly over the allowed arms, no treatment included |
/// | `holdout_share` | [0, 1] | share of decisions that get no treatment whatever the effects |
/// | `propensity_floor` | [0, 0.5] | least probability of every allowed arm, no treatment included |
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyParams {
    /// Share that explores.
    pub epsilon: f64,
    /// Share held out.
    pub holdout_share: f64,
    /// Least probability of an allowed arm.
    pub propensity_floor: f64,
}

/// A policy parameter outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {range}")]
pub struct PolicyError {
    /// Name of the parameter.
    pub name: &'static str,
    /// Its range in words.
    pub range: &'static str,
}

/// Checked [`PolicyParams`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidPolicyParams(PolicyParams);

/// What a policy knows of one arm. Control is not among them: no treatment is always possible and worth zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmValue {
    /// Effect in the currency of cost, minus the arm's cost.
    pub net_value: f64,
    /// Standard error of the value.
    pub std_error: f64,
    /// Whether the effect is significant at the level in force.
    pub significant: bool,
    /// Whether the unit is like those the effect was learned from.
    pub in_support: bool,
    /// Whether constraints admit the arm at all.
    pub allowed: bool,
}

impl ArmValue {
    /// Whether the arm may be the greedy choice: allowed, significant, in support, and beating its cost.
    pub fn eligible(&self) -> bool {
        self.allowed
            && self.significant
            && self.in_support
            && self.net_value > 0.0
            && self.std_error.is_finite()
    }
}

impl PolicyParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`PolicyError`] naming the first one outside its range.
    pub fn check(self) -> Result<ValidPolicyParams, PolicyError> {
        let unit = 0.0..=1.0;
        let checks = [
            ("epsilon", unit.contains(&self.epsilon), "in [0, 1]"),
            ("holdout_share", unit.contains(&self.holdout_share), "in [0, 1]"),
            (
                "propensity_floor",
                (0.0..=0.5).contains(&self.propensity_floor),
                "in [0, 0.5]",
            ),
        ];
        match checks.into_iter().find(|(_, ok, _)| !ok) {
            Some((name, _, range)) => Err(PolicyError { name, range }),
            None => Ok(ValidPolicyParams(self)),
        }
    }
}

impl ValidPolicyParams {
    /// The parameters.
    pub fn get(&self) -> &PolicyParams {
        &self.0
    }

    /// The arm of largest net value among the eligible ones, the first of equals; `None` is no treatment.
    pub fn greedy(&self, arms: &[ArmValue]) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (i, arm) in arms.iter().enumerate().filter(|(_, a)| a.eligible()) {
            if best.is_none_or(|b| arm.net_value > arms[b].net_value) {
                best = Some(i);
            }
        }
        best
    }

    /// The action distribution:
    /// `holdout 1{none} + (1 - holdout) ((1 - epsilon) 1{greedy} + epsilon / allowed)`, with every allowed arm raised
    /// to the floor at the expense of the others in proportion to what they have above it. Forbidden arms get zero.
    ///
    /// Probabilities are whole multiples of 2^-32, so they sum to one exactly and the draw has exactly the logged
    /// probability; what rounding leaves goes to the greedy choice. Where the floor times the number of allowed arms
    /// exceeds one, the floor is lowered to an even share and the distribution says so.
    ///
    /// ```
    /// use ceteris_policy::{ArmValue, PolicyParams};
    /// let policy = PolicyParams { epsilon: 0.1, holdout_share: 0.0, propensity_floor: 0.01 }.check()?;
    /// let arm = ArmValue { net_value: 2.0, std_error: 0.5, significant: true, in_support: true, allowed: true };
    /// let d = policy.distribution(&[arm]);
    /// assert!((d.probability(Some(0)) - 0.95).abs() < 1e-9);
    /// assert_eq!(d.probability(None) + d.probability(Some(0)), 1.0);
    /// # Ok::<(), ceteris_policy::PolicyError>(())
    /// ```
    pub fn distribution(&self, arms: &[ArmValue]) -> Distribution {
        let greedy = self.greedy(arms).map_or(0, |i| i + 1);
        let allowed: Vec<bool> = std::iter::once(true)
            .chain(arms.iter().map(|a| a.allowed))
            .collect();
        let count = allowed.iter().filter(|a| **a).count();
        let wanted_floor = (self.0.propensity_floor * WHOLE as f64).ceil() as u64;
        let floor = wanted_floor.min(WHOLE / count as u64);

        let PolicyParams {
            epsilon,
            holdout_share,
            ..
        } = self.0;
        let above_floor: Vec<f64> = (0..allowed.len())
            .map(|i| {
                let exploit = if i == greedy { 1.0 - epsilon } else { 0.0 };
                let treated = (1.0 - holdout_share) * (exploit + epsilon / count as f64);
                let p = if i == 0 { holdout_share + treated } else { treated };
                if allowed[i] {
                    (p - floor as f64 / WHOLE as f64).max(0.0)
                } else {
                    0.0
                }
            })
            .collect();
        let total: f64 = above_floor.iter().sum();
        let spare = WHOLE - floor * count as u64;
        let mut ticks: Vec<u64> = (0..allowed.len())
            .map(|i| {
                let share = if total > 0.0 { above_floor[i] / total } else { 0.0 };
                // A share is at most one up to rounding, which the greedy choice pays for below.
                let extra = ((share * spare as f64) as u64).min(spare);
                if allowed[i] { floor + extra } else { 0 }
            })
            .collect();
        let others: u64 = ticks
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != greedy)
            .map(|(_, t)| t)
            .sum();
        ticks[greedy] = WHOLE.saturating_sub(others);
        Distribution::new(ticks, floor < wanted_floor)
    }
}
