//! Three decisions in words.

use std::collections::BTreeSet;

use ceteris_contract::decide::{DecideReply, EffectReply};
use ceteris_contract::problem::Problem;
use ceteris_synth::ecommerce::World;

/// Explains the first decisions that differ in arm and reason, three of them where there are.
pub(crate) fn three(world: &World, problem: &Problem, answers: &[DecideReply]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let different = answers
        .iter()
        .filter(|a| seen.insert((a.recommended_treatment.clone(), a.reason.clone())));
    different
        .take(3)
        .map(|answer| one(world, problem, answer))
        .collect()
}

fn one(world: &World, problem: &Problem, answer: &DecideReply) -> String {
    let outcome = &problem.primary_outcome().name;
    let mut text = match &answer.recommended_treatment {
        Some(arm) => format!("{}: give {arm}", answer.user_id),
        None => format!("{}: give nothing", answer.user_id),
    };
    text.push_str(match answer.reason.as_str() {
        "effect" => ", the arm worth most to this user",
        "no_arm_beats_its_cost" => ", because no arm on offer is worth its cost to this user",
        "exploration" => ", drawn at random to keep learning",
        "holdout" => ", held out at random to keep measuring",
        _ => ", by the fallback rules",
    });
    text.push_str(&format!(" (probability {:.3}).", answer.propensity));
    let truth = world.true_effects_at(&answer.user_id, answer.computed_at).ok();
    for effect in &answer.effects {
        let truth = truth
            .as_ref()
            .and_then(|t| t.by_name(&effect.treatment_id, outcome));
        text.push_str(&format!("\n    {}", line(effect, truth)));
    }
    text
}

fn line(effect: &EffectReply, truth: Option<f64>) -> String {
    let (Some(estimate), Some([low, high])) = (effect.estimated_effect, effect.confidence_interval) else {
        return format!(
            "{:<14} no effect: {}",
            effect.treatment_id,
            effect.reason.as_deref().unwrap_or("not served")
        );
    };
    let mut text = format!(
        "{:<14} {:+.1} points on the probability of a purchase, 95 % interval [{:+.1}, {:+.1}]",
        effect.treatment_id,
        100.0 * estimate,
        100.0 * low,
        100.0 * high
    );
    if let Some(truth) = truth {
        text.push_str(&format!(", truth {:+.1}", 100.0 * truth));
    }
    if let (Some(net), Some(cost)) = (effect.net_value, effect.cost) {
        text.push_str(&format!("; worth {net:+.2} after its cost of {cost:.2}"));
    }
    text
}
