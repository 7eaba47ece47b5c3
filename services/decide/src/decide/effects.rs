//! From a candidate's effects to its part of the reply: interval, significance, net value.

use ceteris_contract::decide::{EffectReply, OutcomeEffect};
use ceteris_contract::problem::Direction;
use ceteris_contract::record::{CandidateEffects, OutcomeWeight, PointEffect};
use ceteris_stats::normal_cdf;

/// The effects of one candidate and what the objective makes of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Valued {
    /// For the reply.
    pub reply: EffectReply,
    /// Standard error of the net value; none where that is not known.
    pub net_std_error: Option<f64>,
}

/// Values one candidate; `z` is the normal quantile of the interval, `level` its significance level.
pub fn value(candidate: &CandidateEffects, outcomes: &[OutcomeWeight], z: f64, level: f64) -> Valued {
    let primary = outcomes
        .iter()
        .find(|o| o.primary)
        .and_then(|o| candidate.outcomes.get(&o.name));
    let objective = candidate
        .cost
        .and_then(|cost| net_value(candidate, outcomes, cost));
    let p_value = primary.map(p_value);
    let reply = EffectReply {
        treatment_id: candidate.treatment_id.clone(),
        estimated_effect: primary.map(|p| p.effect),
        confidence_interval: primary.map(|p| interval(p, z)),
        std_error: primary.map(|p| p.std_error),
        p_value,
        significant: p_value.is_some_and(|p| p < level),
        in_support: candidate.in_support,
        outcomes: candidate
            .outcomes
            .iter()
            .map(|(name, point)| (name.clone(), outcome(point, z)))
            .collect(),
        cost: candidate.cost,
        net_value: objective.map(|(net, _)| net),
        reason: candidate.reason.clone(),
    };
    Valued {
        reply,
        net_std_error: objective.map(|(_, std_error)| std_error),
    }
}

/// Sum of weight · effect over the outcomes, minus the cost, with a standard error. `None` unless every outcome that
/// counts has an effect: a sum without a term would be a value of something else.
///
/// The outcomes' effects share a sample, and their covariance is not served. The standard error is the sum of the
/// terms', which bounds the true one for every correlation.
fn net_value(candidate: &CandidateEffects, outcomes: &[OutcomeWeight], cost: f64) -> Option<(f64, f64)> {
    if candidate.outcomes.is_empty() {
        return None;
    }
    let (mut net, mut std_error) = (0.0, 0.0);
    for outcome in outcomes.iter().filter(|o| o.weight != 0.0) {
        let point = candidate.outcomes.get(&outcome.name)?;
        net += signed_weight(outcome) * point.effect;
        std_error += outcome.weight.abs() * point.std_error;
    }
    net -= cost;
    // Absurd features can overflow the sum of finite effects.
    net.is_finite().then_some((net, std_error))
}

/// The weight with the sign of the outcome's direction, so that more of a bad outcome never adds value.
fn signed_weight(outcome: &OutcomeWeight) -> f64 {
    match outcome.direction {
        Direction::Maximise => outcome.weight.abs(),
        Direction::Minimise => -outcome.weight.abs(),
    }
}

fn outcome(point: &PointEffect, z: f64) -> OutcomeEffect {
    OutcomeEffect {
        estimated_effect: point.effect,
        confidence_interval: interval(point, z),
        std_error: point.std_error,
    }
}

fn interval(point: &PointEffect, z: f64) -> [f64; 2] {
    [
        point.effect - z * point.std_error,
        point.effect + z * point.std_error,
    ]
}

/// Two-sided, against no effect. An effect known without error is certain either way.
fn p_value(point: &PointEffect) -> f64 {
    match (point.effect == 0.0, point.std_error > 0.0) {
        (true, _) => 1.0,
        (false, true) => 2.0 * normal_cdf(-(point.effect / point.std_error).abs()),
        (false, false) => 0.0,
    }
}
