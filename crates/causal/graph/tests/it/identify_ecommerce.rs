//! The e-commerce case that the platform is built around: what is identified, how, and what a unit-level effect may be
//! conditioned on.
#![allow(clippy::unwrap_used)]

use ceteris_graph::identify::{
    FrontDoorSet, Query, Strategy, Target, Witness, identify, maximal_pretreatment_set, valid_conditioning,
};
use ceteris_graph::{Clock, Graph, GraphBuilder, Node, Role};

fn graph() -> Graph {
    let mut builder = GraphBuilder::new();
    let roles: &[(&str, Role)] = &[
        ("coupon_discount", Role::Treatment),
        ("ad_exposure", Role::Treatment),
        ("free_shipping", Role::Treatment),
        ("purchase_decision", Role::Outcome),
        ("purchase_amount", Role::Outcome),
        ("user_engagement", Role::Confounder),
        ("price_sensitivity", Role::Confounder),
        ("historical_spend", Role::Confounder),
        ("cart_value", Role::Mediator),
        ("browsing_time", Role::Mediator),
        ("location", Role::Instrument),
    ];
    for (name, role) in roles {
        builder = builder.node(Node::new(*name).role(*role).measured_by(format!("column_{name}")));
    }
    builder = builder.node(Node::new("user_intent").latent());
    for (from, to) in [
        ("coupon_discount", "cart_value"),
        ("ad_exposure", "browsing_time"),
        ("cart_value", "purchase_amount"),
        ("browsing_time", "purchase_decision"),
        ("coupon_discount", "purchase_decision"),
        ("user_engagement", "ad_exposure"),
        ("user_engagement", "browsing_time"),
        ("user_engagement", "purchase_decision"),
        ("price_sensitivity", "coupon_discount"),
        ("price_sensitivity", "purchase_decision"),
        ("price_sensitivity", "cart_value"),
        ("price_sensitivity", "free_shipping"),
        ("historical_spend", "price_sensitivity"),
        ("historical_spend", "purchase_amount"),
        ("user_intent", "ad_exposure"),
        ("user_intent", "purchase_decision"),
        ("free_shipping", "purchase_decision"),
        ("purchase_decision", "purchase_amount"),
        ("location", "coupon_discount"),
    ] {
        builder = builder.directed(from, to);
    }
    builder.build().unwrap()
}

#[test]
fn the_coupon_is_identified_by_the_back_door() {
    for forbidden_clocks in [vec![], vec![Clock::Mediator, Clock::Outcome]] {
        let query = Query {
            forbidden_clocks,
            ..Query::new("coupon_discount", "purchase_decision")
        };
        let answer = identify(&graph(), &query).unwrap();
        assert_eq!(answer.identifiable, Some(true));
        assert_eq!(
            (answer.strategy, answer.target),
            (Some(Strategy::Backdoor), Target::Ate)
        );
        assert_eq!(answer.adjustment_sets, [["price_sensitivity"]]);
        assert_eq!(answer.instruments, ["location"]);
        // The latent intent is behind the ad and the purchase alone: conditioning on the ad makes up for it.
        let mut best = answer.optimal_adjustment_set.unwrap();
        best.retain(|v| v != "browsing_time");
        assert_eq!(
            best,
            [
                "ad_exposure",
                "free_shipping",
                "user_engagement",
                "price_sensitivity"
            ]
        );
        assert_eq!(
            answer.latex.unwrap(),
            r"P(\mathrm{purchase\_decision} \mid \mathrm{do}(\mathrm{coupon\_discount})) = \sum_{\mathrm{price\_sensitivity}} P(\mathrm{purchase\_decision} \mid \mathrm{coupon\_discount}, \mathrm{price\_sensitivity})\, P(\mathrm{price\_sensitivity})"
        );
        assert!(answer.unfinished.is_empty());
    }
}

#[test]
fn the_ad_is_identified_only_through_browsing_time_given_engagement() {
    let query = Query::new("ad_exposure", "purchase_decision");
    let answer = identify(&graph(), &query).unwrap();
    assert_eq!(
        (answer.identifiable, answer.strategy),
        (Some(true), Some(Strategy::Frontdoor))
    );
    assert!(answer.adjustment_sets.is_empty());
    assert_eq!(answer.mediators, ["browsing_time"]);
    let door = FrontDoorSet {
        mediators: vec!["browsing_time".into()],
        given: vec!["user_engagement".into()],
    };
    assert_eq!(answer.front_door_sets, [door]);
    assert!(answer.instruments.is_empty());
    let general = identify(&graph(), &query.clone().by(Strategy::Id)).unwrap();
    assert_eq!(general.identifiable, Some(true));
    let backdoor = identify(&graph(), &query.by(Strategy::Backdoor)).unwrap();
    assert_eq!(backdoor.identifiable, Some(false));
    match backdoor.witness {
        Some(Witness::OpenPath { path }) => assert_eq!(path.text, "ad_exposure <-> purchase_decision"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_pair_of_treatment_and_outcome_gets_an_answer() {
    for treatment in ["coupon_discount", "ad_exposure", "free_shipping"] {
        for outcome in ["purchase_decision", "purchase_amount"] {
            let answer = identify(&graph(), &Query::new(treatment, outcome)).unwrap();
            assert_eq!(answer.identifiable, Some(true), "{treatment} {outcome}");
            let by = if treatment == "ad_exposure" {
                Strategy::Frontdoor
            } else {
                Strategy::Backdoor
            };
            assert_eq!(answer.strategy, Some(by), "{treatment} {outcome}");
        }
    }
}

#[test]
fn the_coupons_unit_effects_condition_on_what_is_known_before() {
    let chosen = maximal_pretreatment_set(&graph(), "coupon_discount", "purchase_decision").unwrap();
    assert_eq!(
        chosen.covariates,
        ["user_engagement", "price_sensitivity", "historical_spend"]
    );
    assert_eq!(chosen.adjustment_set, ["price_sensitivity"]);
    assert!(chosen.instruments.is_empty());
}

#[test]
fn wanted_covariates_are_checked() {
    let check =
        |wanted: &[&str]| valid_conditioning(&graph(), "coupon_discount", "purchase_decision", wanted);
    let good = check(&["location", "price_sensitivity", "user_engagement"]).unwrap();
    assert_eq!(
        good.covariates,
        ["user_engagement", "price_sensitivity", "location"]
    );
    assert_eq!(good.instruments, ["location"]);
    assert!(matches!(
        check(&["user_engagement"]),
        Err(Witness::OpenPath { .. })
    ));
    for (wanted, reason) in [
        ("cart_value", "it descends from the treatment"),
        ("user_intent", "it is latent"),
        ("browsing_time", "it is measured after the decision"),
        ("purchase_decision", "it is the treatment or the outcome"),
        ("mood", "the graph does not know it"),
    ] {
        let expected = Witness::Barred {
            node: wanted.into(),
            reason: reason.into(),
        };
        assert_eq!(check(&["price_sensitivity", wanted]).unwrap_err(), expected);
    }
}

#[test]
fn no_set_makes_the_ads_unit_effects_identified() {
    let witness = maximal_pretreatment_set(&graph(), "ad_exposure", "purchase_decision").unwrap_err();
    assert!(
        witness.to_string().contains("ad_exposure <-> purchase_decision")
            || witness
                .to_string()
                .contains("ad_exposure <- user_intent -> purchase_decision"),
        "{witness}"
    );
}

#[test]
fn a_collider_before_the_decision_is_left_out() {
    let graph = Graph::parse("X -> Y; X <-> M; M <-> Y; Z -> X; Z -> Y; W -> Y").unwrap();
    let chosen = maximal_pretreatment_set(&graph, "X", "Y").unwrap();
    // Without the collider the best set is left, W for precision among it.
    assert_eq!(chosen.covariates, ["Z", "W"]);
    let dag = Graph::parse(
        "X -> Y; A -> X; A -> M; B -> M; B -> Y; A [latent]; B [latent]; Z -> X; Z -> Y; W -> Y",
    );
    let chosen = maximal_pretreatment_set(&dag.unwrap(), "X", "Y").unwrap();
    assert_eq!(chosen.covariates, ["Z", "W"]);
}
