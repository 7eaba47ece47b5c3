//! The decision itself: from [`Inputs`] to [`Decision`], pure. The same inputs give the same bits on every run, so any
//! logged decision replays.

mod effects;
mod fallback;

use std::collections::BTreeMap;

use ceteris_contract::record::{Decision, Inputs, NONE_ARM};
use ceteris_policy::{ArmValue, PolicyParams, ValidPolicyParams};
use ceteris_stats::normal_quantile;
use ceteris_stats::uniform;
use effects::Valued;

use crate::gather::{OUTSIDE_SUPPORT, PARAMETERS_MISMATCH, UNKNOWN_TREATMENT};

pub use fallback::fallback_arm;

/// The arm was chosen for its effect.
pub const EFFECT: &str = "effect";
/// The arm was drawn to learn from.
pub const EXPLORATION: &str = "exploration";
/// Nothing is given, to compare with.
pub const HOLDOUT: &str = "holdout";
/// Nothing is given, for nothing pays.
pub const NO_ARM_BEATS_ITS_COST: &str = "no_arm_beats_its_cost";
/// The fallback rules chose.
pub const FALLBACK: &str = "fallback";
/// None of the candidates is an arm of the problem.
pub const NO_KNOWN_TREATMENT: &str = "no_known_treatment";
/// No candidate has an effect from which to tell its value.
pub const NO_EFFECT_SERVED: &str = "no_effect_served";
/// The policy's shares cannot stand together; the best arm is given without exploration.
pub const INVALID_POLICY: &str = "invalid_policy";

/// Separates the draw of the reason from the draw of the arm.
const REASON_SALT: u64 = u64::from_le_bytes(*b"\0\0reason");

/// Decides. Reads nothing but `inputs`.
pub fn decide(inputs: &Inputs) -> Decision {
    let level = inputs.policy.significance_level;
    let z = normal_quantile(1.0 - level / 2.0);
    let valued: Vec<Valued> = inputs
        .effects
        .iter()
        .map(|candidate| effects::value(candidate, &inputs.outcomes, z, level))
        .collect();
    let allowed: Vec<bool> = inputs
        .effects
        .iter()
        .map(|e| is_known(e.reason.as_deref()))
        .collect();
    let mut degraded_reasons = degradation(inputs, &valued, &allowed);
    let rules_decide = !degraded_reasons.is_empty();
    let arms = if rules_decide {
        by_rules(inputs, &allowed)
    } else {
        by_effects(inputs, &valued, &allowed)
    };
    let policy = policy(inputs, &mut degraded_reasons);
    let greedy = policy.greedy(&arms);
    let distribution = policy.distribution(&arms);
    let draw = distribution.draw(inputs.seed);
    let reason = match (draw.arm, greedy) {
        (drawn, greedy) if drawn == greedy && rules_decide => FALLBACK,
        (None, None) => NO_ARM_BEATS_ITS_COST,
        (drawn, greedy) if drawn == greedy => EFFECT,
        (Some(_), _) => EXPLORATION,
        (None, Some(_)) => held_out_or_explored(inputs, &allowed),
    };
    let mut shares: BTreeMap<String, f64> = valued
        .iter()
        .enumerate()
        .map(|(arm, v)| (v.reply.treatment_id.clone(), distribution.probability(Some(arm))))
        .collect();
    shares.insert(NONE_ARM.to_owned(), distribution.probability(None));
    let given = draw.arm.map(|arm| &valued[arm].reply);
    Decision {
        recommended_treatment: given.map(|reply| reply.treatment_id.clone()),
        expected_outcome: given.and_then(|reply| reply.estimated_effect).unwrap_or(0.0),
        propensity: draw.propensity,
        distribution: shares,
        reason: reason.to_owned(),
        degraded: !degraded_reasons.is_empty(),
        degraded_reasons,
        effects: valued.into_iter().map(|v| v.reply).collect(),
    }
}

/// A candidate the problem does not know, or knows otherwise, is never given.
fn is_known(reason: Option<&str>) -> bool {
    !matches!(reason, Some(UNKNOWN_TREATMENT | PARAMETERS_MISMATCH))
}

/// Why the rules decide instead of the effects; empty where the effects decide.
fn degradation(inputs: &Inputs, valued: &[Valued], allowed: &[bool]) -> Vec<String> {
    if !inputs.switches.is_empty() {
        return inputs.switches.clone();
    }
    let usable = |v: &Valued| v.reply.net_value.is_some() && v.reply.in_support;
    if valued
        .iter()
        .zip(allowed)
        .any(|(v, allowed)| *allowed && usable(v))
    {
        return Vec::new();
    }
    let outside = |v: &Valued| {
        (v.reply.net_value.is_some() && !v.reply.in_support)
            || v.reply.reason.as_deref() == Some(OUTSIDE_SUPPORT)
    };
    let why = if !allowed.contains(&true) {
        NO_KNOWN_TREATMENT
    } else if valued.iter().any(outside) {
        OUTSIDE_SUPPORT
    } else {
        NO_EFFECT_SERVED
    };
    vec![why.to_owned()]
}

/// What the policy sees where effects decide: an arm without a value, or outside the support, may be explored only.
fn by_effects(inputs: &Inputs, valued: &[Valued], allowed: &[bool]) -> Vec<ArmValue> {
    let arm = |(v, allowed): (&Valued, &bool)| ArmValue {
        net_value: v.reply.net_value.unwrap_or(0.0),
        std_error: v.net_std_error.unwrap_or(0.0),
        significant: v.reply.significant || !inputs.policy.require_significance,
        in_support: v.reply.in_support && v.reply.net_value.is_some(),
        allowed: *allowed,
    };
    valued.iter().zip(allowed).map(arm).collect()
}

/// What the policy sees where the rules decide: the arm they give is worth having, no other one is.
fn by_rules(inputs: &Inputs, allowed: &[bool]) -> Vec<ArmValue> {
    let offered = |id: &str| {
        inputs
            .effects
            .iter()
            .zip(allowed)
            .any(|(e, allowed)| *allowed && e.treatment_id == id)
    };
    let given = fallback_arm(&inputs.fallback, &inputs.features, offered);
    let arm = |(index, allowed): (usize, &bool)| {
        let chosen = given == Some(inputs.effects[index].treatment_id.as_str());
        ArmValue {
            net_value: if chosen { 1.0 } else { 0.0 },
            std_error: 0.0,
            significant: chosen,
            in_support: chosen,
            allowed: *allowed,
        }
    };
    allowed.iter().enumerate().map(arm).collect()
}

fn policy(inputs: &Inputs, degraded_reasons: &mut Vec<String>) -> ValidPolicyParams {
    let params = PolicyParams {
        epsilon: inputs.policy.exploration,
        holdout_share: inputs.policy.holdout,
        propensity_floor: inputs.policy.propensity_floor,
    };
    params.check().unwrap_or_else(|_| {
        degraded_reasons.push(INVALID_POLICY.to_owned());
        let greedy = PolicyParams {
            epsilon: 0.0,
            holdout_share: 0.0,
            propensity_floor: 0.0,
        };
        greedy
            .check()
            .expect("no exploration, no holdout and no floor always stand together")
    })
}

/// Why nothing is given although an arm pays. No treatment gets the whole holdout and an even part of the exploration
/// that it leaves; which of the two it was is drawn in their proportion.
fn held_out_or_explored(inputs: &Inputs, allowed: &[bool]) -> &'static str {
    let arms = 1 + allowed.iter().filter(|allowed| **allowed).count();
    let holdout = inputs.policy.holdout;
    let explored = (1.0 - holdout) * inputs.policy.exploration / arms as f64;
    let u = uniform(inputs.seed, &[], REASON_SALT);
    // A share that only the floor brought about is exploration.
    if holdout > 0.0 && u * (holdout + explored) < holdout {
        HOLDOUT
    } else {
        EXPLORATION
    }
}
