//! What the graphs of the shipped problems allow to be served, and with which proof.

#![allow(clippy::unwrap_used)]

use ceteris_contract::problem::Problem;
use ceteris_trainer::{Identified, graph_of, identify_effects};

const ECOMMERCE: &str = include_str!("../../../../deploy/problems/ecommerce.yaml");
const HILLSTROM: &str = include_str!("../../../../deploy/problems/hillstrom.yaml");

fn identified(text: &str) -> Identified {
    let problem = Problem::from_yaml(text).unwrap_or_else(|f| panic!("{f:#?}"));
    identify_effects(&problem, &graph_of(&problem).unwrap()).unwrap()
}

#[test]
fn coupons_and_shipping_are_served_and_ads_only_on_average() {
    let found = identified(ECOMMERCE);
    let proven: Vec<(usize, usize)> = found.proven.iter().map(|p| (p.treatment, p.outcome)).collect();
    assert_eq!(proven, [(0, 0), (0, 1), (2, 0), (2, 1)]);
    for effect in &found.proven {
        let covariates = &effect.conditioning.covariates;
        // All that is known before the decision, the instrument and everything after it left out.
        assert_eq!(
            covariates[..],
            ["user_engagement", "price_sensitivity", "historical_spend"]
        );
        assert_eq!(effect.conditioning.adjustment_set, ["price_sensitivity"]);
        assert_eq!(effect.moving, ["price_sensitivity"]);
        assert_eq!(effect.identification.identifiable, Some(true));
    }
    let ads: Vec<(&str, &str, &str)> = found
        .not_served
        .iter()
        .map(|n| (n.treatment.as_str(), n.outcome.as_str(), n.reason.as_str()))
        .collect();
    assert_eq!(
        ads,
        [
            ("ad", "purchase_decision", "unit_effect_unavailable"),
            ("ad", "purchase_amount", "unit_effect_unavailable"),
        ]
    );
    let proof = &found.not_served[0].witness["on_average"];
    assert_eq!(proof["strategy"], "frontdoor");
    assert_eq!(proof["mediators"][0], "browsing_time");
    assert_eq!(found.not_served[0].witness["per_unit"]["kind"], "open_path");
}

#[test]
fn without_the_mediators_measurement_an_ad_is_not_identified() {
    let text = ECOMMERCE
        .replace("    browsing_time:\n      role: mediator\n      description: Time spent on product pages after the offer\n      measured_by: [browsing_time]\n", "    browsing_time: latent\n")
        .replace("  browsing_time:              # measures the mediator of that name\n    aggregate: sum\n    event: page_view\n    property: dwell_s\n    window: 1d\n", "");
    assert_ne!(text, ECOMMERCE);
    let found = identified(&text);
    let ad = found.not_served.iter().find(|n| n.treatment == "ad").unwrap();
    assert_eq!(ad.reason, "not_identified");
    assert_eq!(ad.witness["on_average"]["identifiable"], false);
    assert_eq!(ad.witness["on_average"]["witness"]["kind"], "hedge");
}

#[test]
fn in_a_random_experiment_nothing_moves_the_treatment() {
    let found = identified(HILLSTROM);
    assert_eq!((found.proven.len(), found.not_served.len()), (3, 0));
    for effect in &found.proven {
        assert_eq!(
            effect.conditioning.covariates,
            ["purchase_history", "customer_profile"]
        );
        assert!(effect.moving.is_empty() && effect.conditioning.adjustment_set.is_empty());
    }
}
