//! Decisions of ours as rows, solved by hand: one row a decision, with its true propensity and the features it used.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crate::common::*;
use ceteris_contract::dataset::Assignment;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::record::{Decision, DecisionRecord, Feature, Inputs, Origin};
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_etl::Made;
use ceteris_lake::{DecisionRow, Lake, Offsets};

fn decision(id: &str, who: u8, hours: i64, recommended: Option<&str>) -> DecisionRow {
    let at = Timestamp(START + hours * HOUR);
    let feature = |name: &str, value: Value, origin| Feature {
        name: name.into(),
        value,
        origin,
    };
    let shares = [
        ("coupon_5", 0.125),
        ("coupon_10", 0.5),
        ("ad", 0.125),
        ("none", 0.25),
    ];
    let distribution: BTreeMap<String, f64> = shares.map(|(arm, p)| (arm.to_owned(), p)).into();
    let record = DecisionRecord {
        schema_version: "1".into(),
        decision_id: id.into(),
        decided_at: at,
        problem: "shop".into(),
        unit: unit(who),
        inputs: Inputs {
            at,
            candidates: Vec::new(),
            features: vec![
                feature("carts", Value::Number(3.0), Origin::Stored),
                feature("spend", Value::Number(-1.0), Origin::Unknown),
                feature("region", Value::from("west"), Origin::Context),
                feature("mood", Value::from("good"), Origin::Context),
            ],
            effects: Vec::new(),
            model: None,
            policy_digest: String::new(),
            policy: problem(1.0).policy,
            fallback: Vec::new(),
            outcomes: Vec::new(),
            switches: Vec::new(),
            seed: 1,
        },
        decision: Decision {
            recommended_treatment: recommended.map(str::to_owned),
            expected_outcome: 0.0,
            effects: Vec::new(),
            propensity: distribution
                .get(recommended.unwrap_or("none"))
                .copied()
                .unwrap_or(0.5),
            distribution,
            reason: "effect".into(),
            degraded: false,
            degraded_reasons: Vec::new(),
        },
        latency_us: 300,
    };
    DecisionRow::of(&record, at, None).unwrap()
}

fn caused(mut event: StoredEvent, decision: &str) -> StoredEvent {
    event.properties.insert("decision_id".into(), decision.into());
    event
}

async fn with_decisions(buckets: u16, events: &[StoredEvent], decisions: &[&[DecisionRow]]) -> Lake {
    let lake = lake(buckets, &[events]).await;
    let mut stands = Offsets::new();
    for (number, batch) in decisions.iter().enumerate() {
        let next = Offsets::from([(("causal_decisions".to_owned(), 0), number as u64 + 1)]);
        lake.decisions()
            .append(batch.to_vec(), &next, &stands, Timestamp(START))
            .await
            .unwrap();
        stands = next;
    }
    lake
}

fn events() -> Vec<StoredEvent> {
    vec![
        // The client showed the coupon before it looked at the cart again.
        event("a1", 1, "cart", 101, 0, 0),
        caused(event("a2", 1, "coupon_shown", 102, 0, 10), "d1"),
        event("a3", 1, "buy", 110, 0, 8),
        // Nothing was recommended, nothing given; the opportunity is the decision's.
        event("b1", 2, "cart", 100, 0, 0),
        // Nobody decided: observed as ever.
        event("c1", 3, "cart", 100, 0, 0),
        event("c2", 3, "ad_shown", 100, 0, 0),
        // A treatment that names a decision which is not there is observed too.
        event("e1", 5, "cart", 100, 0, 0),
        caused(event("e2", 5, "coupon_shown", 100, 0, 5), "of another fleet"),
    ]
}

fn decisions() -> Vec<DecisionRow> {
    let mut elsewhere = decision("x", 3, 100, None);
    elsewhere.problem = "other".into();
    vec![
        decision("d1", 1, 100, Some("coupon_10")),
        decision("d2", 2, 101, None),
        // A unit of which no event is known.
        decision("d3", 4, 100, Some("ad")),
        decision("d4", 4, 399, Some("ad")),
        decision("d5", 3, 103, Some("ad")),
        decision("d6", 2, 200, Some("of an older problem")),
        elsewhere,
    ]
}

fn texts(made: &Made, name: &str) -> Vec<String> {
    let texts = made.dataset.texts(name).unwrap();
    texts
        .iter()
        .map(|text| text.clone().unwrap_or_else(|| "-".into()))
        .collect()
}

#[test]
fn a_decision_is_one_row_with_its_own_features_and_propensity() {
    let made = block_on(async {
        let lake = with_decisions(2, &events(), &[&decisions()]).await;
        make(&lake, &problem(9.0), &request(400), 1).await.unwrap()
    });
    let counts = &made.report.counts;
    assert_eq!(counts.excluded, BTreeMap::from([("decided".to_owned(), 2)]));
    assert_eq!(counts.decisions, 6);
    let excluded = [("immature", 1), ("unknown_dose", 1), ("washout", 1)];
    assert_eq!(
        counts.decisions_excluded,
        excluded.map(|(reason, n)| (reason.to_owned(), n)).into()
    );
    assert_eq!((made.report.rows, made.report.logged_rows), (5, 3));
    let of = |source: &str| made.dataset.source.iter().position(|s| s == source).unwrap();
    let number = |name: &str, source: &str| made.dataset.numbers(name).unwrap()[of(source)];
    for (source, logged, coupon, ad, p_coupon, p_ad, exposed) in [
        ("d1", true, "coupon_10", "-", 0.5, 0.875, 1.0),
        ("d2", true, "-", "-", 0.375, 0.875, 0.0),
        ("d3", true, "-", "ad", 0.375, 0.125, 0.0),
        ("c1", false, "-", "ad", f64::NAN, f64::NAN, f64::NAN),
        ("e1", false, "coupon_5", "-", f64::NAN, f64::NAN, f64::NAN),
    ] {
        let row = of(source);
        assert_eq!(
            made.dataset.assignment[row] == Assignment::Logged,
            logged,
            "{source}"
        );
        assert_eq!(texts(&made, "treatment_coupon")[row], coupon, "{source}");
        assert_eq!(texts(&made, "treatment_ad")[row], ad, "{source}");
        let same = |name: &str, expected: f64| {
            let found = number(name, source);
            assert!(
                found == expected || found.is_nan() && expected.is_nan(),
                "{source} {name}: {found}"
            );
        };
        same("propensity_coupon", p_coupon);
        same("propensity_ad", p_ad);
        same("exposure_coupon", exposed);
    }
    // What the decision knew, not what a replay would say; what it did not know is missing.
    assert_eq!(number("confounder_carts", "d1"), 3.0);
    assert!(number("confounder_spend", "d1").is_nan());
    assert!(number("confounder_since", "d1").is_nan());
    assert_eq!(texts(&made, "instrument_region")[of("d1")], "west");
    assert_eq!(
        (number("outcome_bought", "d1"), number("outcome_spent", "d1")),
        (1.0, 2.0)
    );
    assert_eq!(number("outcome_bought", "d3"), 0.0);
    // Balance is that of the observed rows.
    assert_eq!(made.report.balance.values().map(|arm| arm.rows).sum::<u64>(), 2);
    assert_eq!(made.plan.decisions_version(), 1);
}

#[test]
fn redelivered_decisions_and_buckets_leave_no_trace() {
    let (events, all) = (events(), decisions());
    block_on(async {
        let once = with_decisions(1, &events, &[&all]).await;
        let again = with_decisions(8, &events, &[&all[3..], &all[..4], &all[..2]]).await;
        let once = make(&once, &problem(2.0), &request(400), 1).await.unwrap();
        let again = make(&again, &problem(2.0), &request(400), 3).await.unwrap();
        assert_eq!((once.digest, once.report), (again.digest, again.report));
        // Other problems' decisions change nothing, not even the columns.
        let none = make(&lake(2, &[&events]).await, &problem(2.0), &request(400), 1)
            .await
            .unwrap();
        let others = with_decisions(2, &events, &[&all[6..]]).await;
        let others = make(&others, &problem(2.0), &request(400), 1).await.unwrap();
        assert_eq!(none.digest, others.digest);
        assert!(none.dataset.column("propensity_coupon").is_none());
    });
}
