//! The pure decision: replay, propensities, fallback, and what must never be given.
// Helpers of tests may unwrap as tests may.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use ceteris_contract::decide::{Candidate, DecideRequest};
use ceteris_contract::problem::{Direction, Policy};
use ceteris_contract::record::{
    CandidateEffects, Decision, Feature, Inputs, NONE_ARM, Origin, OutcomeWeight, PointEffect,
};
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_decide::decide::decide;
use ceteris_decide::gather::{Stored, gather};
use ceteris_decide::ids;
use ceteris_decide::served::Served;
use ceteris_model::served::{Model, Scratch};
use proptest::prelude::*;
use serde_json::json;
use support::{ecommerce_yaml, hillstrom_yaml, model, problem, request};

fn served() -> Served {
    let problem = problem(&ecommerce_yaml());
    let (manifest, arrays) = model(&problem, 0.0);
    let model = Model::compile(manifest, &arrays, &problem).unwrap();
    Served::new(problem).unwrap().with_model(Some(model.into()))
}

fn inputs(served: &Served, request: serde_json::Value, stored: Stored, seed: u64) -> Inputs {
    let request: DecideRequest = serde_json::from_value(request).unwrap();
    gather(
        served,
        request,
        Timestamp(1),
        stored,
        seed,
        &mut Scratch::default(),
    )
    .unwrap()
}

fn share(decision: &Decision, arm: &str) -> f64 {
    decision.distribution[arm]
}

/// Shares are whole multiples of 2^-32.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Holdout .05 to none; of the rest exploration .05 over none and three arms, and .95 to the best.
const EXPLORED: f64 = 0.95 * 0.05 / 4.0;
const BEST: f64 = 0.95 * 0.95 + EXPLORED;

#[test]
fn effects_become_net_values_and_shares_solved_by_hand() {
    // z = 1, gold: coupon_10pct .35 · 100 − 10 = 25; coupon_5pct .08 · 100 − 5 = 3; free_shipping .03 · 100 − 3 = 0.
    let inputs = inputs(&served(), request("u", 0.75), Stored::Absent, 1);
    let decision = decide(&inputs);
    let net: Vec<f64> = decision.effects.iter().map(|e| e.net_value.unwrap()).collect();
    assert!(
        near(net[0], 3.0) && near(net[1], 25.0) && near(net[2], 0.0),
        "{net:?}"
    );
    let ten = &decision.effects[1];
    let [low, high] = ten.confidence_interval.unwrap();
    assert!((low - (0.35 - 1.959_963_984_540_054 * 0.04)).abs() < 1e-12 && (high + low - 0.7).abs() < 1e-12);
    assert!(ten.significant && ten.in_support && ten.reason.is_none());
    assert_eq!(ten.outcomes.len(), 2);
    assert!(
        near(share(&decision, "coupon_10pct"), BEST),
        "{:?}",
        decision.distribution
    );
    assert!(near(share(&decision, "coupon_5pct"), EXPLORED));
    assert!(near(share(&decision, NONE_ARM), 0.05 + EXPLORED));
    assert!(!decision.degraded && decision.degraded_reasons.is_empty());
}

#[test]
fn what_pays_for_nobody_is_given_to_nobody_but_explored() {
    // z = −2, bronze: 10 % 0 − 10 < 0; 5 % 3 > 0 stays best, so it is not offered here.
    let mut body = request("u", 0.0);
    body["context"]["user_tier"] = json!("bronze");
    body["available_treatments"].as_array_mut().unwrap().remove(0);
    let served = served();
    for seed in 0..200 {
        let decision = decide(&inputs(&served, body.clone(), Stored::Absent, seed));
        let expected = if decision.recommended_treatment.is_some() {
            "exploration"
        } else {
            "no_arm_beats_its_cost"
        };
        assert_eq!(decision.reason, expected);
        assert!(near(
            share(&decision, NONE_ARM),
            0.05 + 0.95 * 0.95 + 0.95 * 0.05 / 3.0
        ));
    }
}

#[test]
fn unknown_candidates_are_answered_and_never_given() {
    let mut body = request("u", 0.75);
    body["available_treatments"] = json!([
        {"treatment_id": "teleport", "type": "magic"},
        {"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 50},
        {"treatment_id": "coupon_5pct", "type": "ad"},
        {"treatment_id": "ad", "type": "ad"},
    ]);
    let served = served();
    let mut given = BTreeMap::<Option<String>, usize>::new();
    for seed in 0..2000 {
        let decision = decide(&inputs(&served, body.clone(), Stored::Absent, seed));
        let reasons: Vec<&str> = decision
            .effects
            .iter()
            .map(|e| e.reason.as_deref().unwrap())
            .collect();
        assert_eq!(
            reasons,
            [
                "unknown_treatment",
                "parameters_mismatch",
                "parameters_mismatch",
                "not_identified"
            ]
        );
        assert!(
            decision
                .effects
                .iter()
                .all(|e| e.estimated_effect.is_none() && e.net_value.is_none())
        );
        for arm in ["teleport", "coupon_10pct", "coupon_5pct"] {
            assert_eq!(share(&decision, arm), 0.0);
        }
        assert!(near(decision.distribution.values().sum(), 1.0));
        assert_eq!(decision.degraded_reasons, ["no_effect_served"]);
        *given.entry(decision.recommended_treatment).or_default() += 1;
    }
    // The rules give what is not offered, or nothing; ad is explored with .95 · .05 / 2.
    assert_eq!(given.len(), 2, "{given:?}");
    assert!(given[&Some("ad".to_owned())] < 100);
}

#[test]
fn equal_doses_match_however_they_are_written() {
    let served = served();
    for dose in [json!(10), json!(10.0), json!("10"), json!(null)] {
        let mut body = request("u", 0.75);
        body["available_treatments"] = json!([{"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": dose, "note": "x"}]);
        let inputs = inputs(&served, body, Stored::Absent, 1);
        assert_eq!(inputs.effects[0].reason, None, "{dose}");
    }
}

#[test]
fn without_a_model_the_rules_decide_and_the_propensity_stays_true() {
    let served = served().with_model(None);
    let mut body = request("u", 0.85);
    for (price, arm) in [(0.85, Some("coupon_5pct")), (0.2, None)] {
        body["context"]["price_sensitivity"] = json!(price);
        let decision = decide(&inputs(&served, body.clone(), Stored::Absent, 3));
        assert_eq!(decision.degraded_reasons, ["no_model"]);
        assert!(decision.degraded);
        assert!(near(
            share(&decision, arm.unwrap_or(NONE_ARM)),
            if arm.is_some() { BEST } else { BEST + 0.05 }
        ));
        assert!(
            decision
                .effects
                .iter()
                .all(|e| e.reason.as_deref() == Some("no_model"))
        );
        assert_eq!(
            decision.propensity,
            share(
                &decision,
                decision.recommended_treatment.as_deref().unwrap_or(NONE_ARM)
            )
        );
        if decision.recommended_treatment.as_deref() == arm {
            assert_eq!(decision.reason, "fallback");
        }
    }
}

#[test]
fn unknown_features_never_become_confident_defaults() {
    let served = served();
    let mut body = request("u", 0.9);
    body["context"] = json!({"user_tier": "gold", "historical_spend": 900});
    let unknown = inputs(&served, body.clone(), Stored::Unknown, 3);
    let decision = decide(&unknown);
    assert_eq!(decision.degraded_reasons, ["features_unavailable"]);
    assert!(
        decision
            .effects
            .iter()
            .all(|e| e.reason.as_deref() == Some("features_unavailable"))
    );
    // The rule on price_sensitivity cannot match; the one on spend, from the context, does.
    assert!(near(share(&decision, "free_shipping"), BEST));
    // A new unit has the default, 0.5, and a decision by effect.
    let absent = inputs(&served, body, Stored::Absent, 3);
    assert!(!decide(&absent).degraded);
    let by_name =
        |inputs: &Inputs, name: &str| inputs.features.iter().find(|f| f.name == name).cloned().unwrap();
    assert_eq!(by_name(&absent, "price_sensitivity").origin, Origin::Default);
    assert_eq!(by_name(&absent, "historical_spend").origin, Origin::Context);
    assert_eq!(
        by_name(&unknown, "price_sensitivity"),
        Feature {
            name: "price_sensitivity".into(),
            value: Value::Null,
            origin: Origin::Unknown,
        }
    );
}

#[test]
fn context_overrides_what_is_stored_and_keeps_what_no_view_names() {
    let served = served();
    let stored = served.problem().decision_views().map(|v| match v.name.as_str() {
        "price_sensitivity" => Some(Value::Number(0.1)),
        "historical_spend" => Some(Value::Number(77.0)),
        _ => None,
    });
    let mut body = request("u", 0.75);
    body["context"]["weather"] = json!("rain");
    body["context"]["historical_spend"] = json!(null);
    let inputs = inputs(&served, body, Stored::Found(stored.collect()), 1);
    let feature = |name: &str| inputs.features.iter().find(|f| f.name == name).unwrap();
    assert_eq!(
        (
            &feature("price_sensitivity").value,
            feature("price_sensitivity").origin
        ),
        (&0.75.into(), Origin::Context)
    );
    assert_eq!(
        (
            &feature("historical_spend").value,
            feature("historical_spend").origin
        ),
        (&77.0.into(), Origin::Stored)
    );
    assert_eq!(feature("session_frequency").origin, Origin::Default);
    assert_eq!(inputs.features.last().unwrap().name, "weather");
}

#[test]
fn outside_the_support_effects_are_shown_and_the_rules_decide() {
    let served = served();
    let mut body = request("u", 0.75);
    body["context"]["price_sensitivity"] = json!(1.5);
    let decision = decide(&inputs(&served, body.clone(), Stored::Absent, 1));
    assert_eq!(decision.degraded_reasons, ["outside_support"]);
    assert!(
        decision
            .effects
            .iter()
            .all(|e| e.estimated_effect.is_some() && !e.in_support)
    );
    assert!(
        near(share(&decision, "coupon_5pct"), BEST),
        "price_sensitivity >= 0.8 gives 5 %"
    );
    body["context"]["price_sensitivity"] = json!(1e300);
    let decision = decide(&inputs(&served, body, Stored::Absent, 1));
    assert_eq!(decision.degraded_reasons, ["outside_support"]);
    assert!(
        decision
            .effects
            .iter()
            .all(|e| e.reason.as_deref() == Some("outside_support"))
    );
}

#[test]
fn a_tables_problem_takes_its_features_from_the_context() {
    let served = Served::new(problem(&hillstrom_yaml())).unwrap();
    assert!(served.views().is_none());
    let body = json!({
        "user_id": "u",
        "context": {"mens": 1, "zip_code": "Urban"},
        "available_treatments": [{"treatment_id": "Mens E-Mail", "type": "email"}],
    });
    let inputs = inputs(&served, body, Stored::Absent, 1);
    let origins: Vec<Origin> = inputs.features.iter().map(|f| f.origin).collect();
    assert_eq!(origins.iter().filter(|o| **o == Origin::Context).count(), 2);
    assert_eq!(origins.iter().filter(|o| **o == Origin::Unknown).count(), 6);
    assert_eq!(inputs.effects[0].cost, Some(0.1));
    // `mens >= 1` gives the men's mail.
    assert!(share(&decide(&inputs), "Mens E-Mail") > 0.9);
}

#[test]
fn a_context_value_of_the_wrong_type_names_its_field() {
    let mut body = request("u", 0.75);
    body["context"]["price_sensitivity"] = json!("high");
    let request: DecideRequest = serde_json::from_value(body).unwrap();
    let fault = gather(
        &served(),
        request,
        Timestamp(1),
        Stored::Absent,
        1,
        &mut Scratch::default(),
    )
    .unwrap_err();
    assert_eq!(
        (fault.code.as_str(), fault.field.as_deref()),
        ("invalid_field", Some("context.price_sensitivity"))
    );
}

#[test]
fn drawn_arms_follow_the_logged_propensities() {
    let served = served();
    let n = 20_000u32;
    let mut counts = BTreeMap::<String, u32>::new();
    let mut logged = BTreeMap::new();
    for i in 0..n {
        let seed = ids::seed(&format!("decision-{i}"));
        let decision = decide(&inputs(&served, request("u", 0.75), Stored::Absent, seed));
        let arm = decision
            .recommended_treatment
            .clone()
            .unwrap_or_else(|| NONE_ARM.to_owned());
        assert_eq!(decision.propensity, decision.distribution[&arm]);
        *counts.entry(arm).or_default() += 1;
        logged = decision.distribution;
    }
    // Pearson's chi-square with three degrees of freedom: 16.27 is its 99.9 % point.
    let statistic: f64 = logged
        .iter()
        .map(|(arm, p)| {
            let expected = p * f64::from(n);
            (f64::from(counts.get(arm).copied().unwrap_or(0)) - expected).powi(2) / expected
        })
        .sum();
    assert!(statistic < 16.27, "{statistic}: {counts:?} against {logged:?}");
}

#[test]
fn reasons_for_giving_nothing_come_in_their_proportion() {
    let served = served();
    let mut counts = BTreeMap::<String, u32>::new();
    for i in 0..20_000u64 {
        let decision = decide(&inputs(
            &served,
            request("u", 0.75),
            Stored::Absent,
            ids::seed(&i.to_string()),
        ));
        if decision.recommended_treatment.is_none() {
            *counts.entry(decision.reason).or_default() += 1;
        }
    }
    // Holdout against exploration, within four standard errors.
    let (held, explored) = (f64::from(counts["holdout"]), f64::from(counts["exploration"]));
    let share = held / (held + explored);
    let wanted = 0.05 / (0.05 + EXPLORED);
    let error = (wanted * (1.0 - wanted) / (held + explored)).sqrt();
    assert!((share - wanted).abs() < 4.0 * error, "{counts:?}");
    assert_eq!(counts.len(), 2);
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1e9f64..1e9).prop_map(Value::Number),
        "[a-z \"\\\\é]{0,6}".prop_map(Value::Text),
    ]
}

fn candidate_effects(index: usize) -> impl Strategy<Value = CandidateEffects> {
    let point = (-2.0f64..2.0, 0.0f64..1.0).prop_map(|(effect, std_error)| PointEffect { effect, std_error });
    let reason = prop_oneof![
        6 => Just(None),
        1 => Just(Some("unknown_treatment".to_owned())),
        1 => Just(Some("not_identified".to_owned())),
    ];
    (
        prop::collection::vec(prop::option::of(point), 2),
        prop::option::of(0.0f64..5.0),
        any::<bool>(),
        reason,
    )
        .prop_map(move |(points, cost, in_support, reason)| {
            let names = ["y", "z"];
            CandidateEffects {
                treatment_id: format!("arm{index}"),
                cost,
                outcomes: names
                    .iter()
                    .zip(points)
                    .filter_map(|(n, p)| Some((n.to_string(), p?)))
                    .collect(),
                in_support,
                reason,
            }
        })
}

prop_compose! {
    fn any_inputs()(
        effects in (1usize..8).prop_flat_map(|n| (0..n).map(candidate_effects).collect::<Vec<_>>()),
        values in prop::collection::vec(value(), 0..4),
        at in 0i64..4_000_000_000_000_000,
        (weight, other) in (-3.0f64..3.0, -3.0f64..3.0),
        (exploration, holdout) in (0.0f64..0.3, 0.0f64..0.3),
        significance_level in 0.01f64..0.2,
        require_significance in any::<bool>(),
        switched in any::<bool>(),
        seed in any::<u64>(),
    ) -> Inputs {
        let outcome = |name: &str, weight: f64, primary| OutcomeWeight {
            name: name.into(),
            weight,
            direction: if weight < 0.0 { Direction::Minimise } else { Direction::Maximise },
            primary,
        };
        Inputs {
            at: Timestamp(at),
            candidates: effects
                .iter()
                .map(|e| Candidate {
                    treatment_id: e.treatment_id.clone(),
                    kind: "kind".into(),
                    parameters: values.iter().enumerate().map(|(i, v)| (format!("p{i}"), v.clone())).collect(),
                })
                .collect(),
            features: values
                .iter()
                .enumerate()
                .map(|(i, v)| Feature { name: format!("f{i}"), value: v.clone(), origin: Origin::Context })
                .collect(),
            effects,
            model: None,
            policy_digest: "digest".into(),
            policy: Policy {
                significance_level,
                exploration,
                holdout,
                propensity_floor: exploration / 16.0,
                require_significance,
            },
            fallback: Vec::new(),
            outcomes: vec![outcome("y", weight, true), outcome("z", other, false)],
            switches: if switched { vec!["no_model".into()] } else { Vec::new() },
            seed,
        }
    }
}

proptest! {
    #[test]
    fn a_decision_replays_bit_for_bit_from_its_logged_inputs(inputs in any_inputs()) {
        let decision = decide(&inputs);
        let logged = serde_json::to_vec(&inputs).unwrap();
        let read: Inputs = serde_json::from_slice(&logged).unwrap();
        prop_assert_eq!(&read, &inputs);
        let replayed = decide(&read);
        prop_assert_eq!(serde_json::to_vec(&replayed).unwrap(), serde_json::to_vec(&decision).unwrap());
        let read: Decision = serde_json::from_slice(&serde_json::to_vec(&decision).unwrap()).unwrap();
        prop_assert_eq!(read, decision);
    }

    #[test]
    fn shares_are_a_distribution_and_the_propensity_is_the_given_arms(inputs in any_inputs()) {
        let decision = decide(&inputs);
        let sum: f64 = decision.distribution.values().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12, "{}", sum);
        prop_assert!(decision.distribution.values().all(|p| (0.0..=1.0).contains(p)));
        let given = decision.recommended_treatment.as_deref().unwrap_or(NONE_ARM);
        prop_assert_eq!(decision.propensity, decision.distribution[given]);
        prop_assert!(decision.propensity > 0.0);
        for effect in &inputs.effects {
            let share = decision.distribution[&effect.treatment_id];
            match effect.reason.as_deref() {
                Some("unknown_treatment") => prop_assert_eq!(share, 0.0),
                _ => prop_assert!(share >= inputs.policy.propensity_floor - 1e-9),
            }
        }
        prop_assert_eq!(decision.degraded, !decision.degraded_reasons.is_empty());
    }
}
