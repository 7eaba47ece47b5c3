//! Problem files: both shipped ones are clean, a broken file tells all of its faults at once, one mistake is told once,
//! and no text makes the reader panic. Every kind of fault by itself is in `problem_faults.rs`.

use ceteris_contract::duration::Span;
use ceteris_contract::problem::{Comparison, Fault, NodeRole, Problem, Source, TreatmentKind, ViewSource};
use ceteris_contract::value::Value;
use proptest::prelude::*;

use crate::{ECOMMERCE, HILLSTROM, read};

#[test]
fn the_ecommerce_problem_is_clean_and_complete() {
    let p = read(ECOMMERCE);
    assert_eq!(
        (
            p.graph.nodes.len(),
            p.graph.directed.len(),
            p.graph.bidirected.len()
        ),
        (12, 19, 0)
    );
    let arms: Vec<(&str, f64)> = p
        .treatments
        .iter()
        .flat_map(|t| &t.arms)
        .map(|a| (a.id.as_str(), a.cost))
        .collect();
    assert_eq!(
        arms,
        [
            ("coupon_5pct", 5.0),
            ("coupon_10pct", 10.0),
            ("ad", 1.0),
            ("free_shipping", 3.0)
        ]
    );
    assert_eq!(p.primary_outcome().name, "purchase_decision");
    assert_eq!(p.view("cart_value").unwrap().role, NodeRole::Mediator);
    assert_eq!(p.view("location").unwrap().column(), "instrument_location");
    assert_eq!(
        p.view("days_since_last_purchase").unwrap().default,
        Value::Number(365.0)
    );
    assert_eq!(p.decision_views().count(), 7);
    let ViewSource::Events { bucket, ttl, .. } = &p.view("browsing_time").unwrap().from else {
        panic!()
    };
    assert_eq!((*bucket, *ttl), (Span::minutes(60), Span::minutes(25 * 60)));
    let measured = p
        .graph
        .nodes
        .iter()
        .find(|n| n.name == "coupon_discount")
        .unwrap();
    assert_eq!(measured.measured_by, ["coupon"]);
    assert_eq!(p.fallback.len(), 3);
    assert_eq!(p.fallback[0].when.as_ref().unwrap().op, Comparison::Ge);
    assert_eq!(p.fallback[2].give, None);
}

#[test]
fn the_hillstrom_problem_is_clean_and_has_the_files_own_values() {
    let p = read(HILLSTROM);
    assert_eq!(p.source, Source::Table { unit: None });
    let email = &p.treatments[0];
    assert_eq!(email.kind, TreatmentKind::Categorical);
    assert_eq!(email.arms[0].dose, Some(Value::Text("Womens E-Mail".into())));
    assert!(p.graph.directed.iter().all(|(_, to)| to != "email"));
    assert_eq!(p.primary_outcome().name, "spend");
}

#[test]
fn an_edge_line_may_be_a_chain_or_a_set() {
    let long = ECOMMERCE.replace(
        "    - ad_exposure -> browsing_time -> purchase_decision\n",
        "    - ad_exposure -> browsing_time\n    - purchase_decision <- browsing_time\n",
    );
    assert_ne!(long, ECOMMERCE);
    let sorted = |text: &str| {
        let mut edges = read(text).graph.directed;
        edges.sort();
        edges
    };
    assert_eq!(sorted(ECOMMERCE), sorted(&long));
}

#[test]
fn digests_follow_their_part_and_nothing_else() {
    let base = read(ECOMMERCE);
    let with = |from: &str, to: &str| {
        assert!(ECOMMERCE.contains(from), "{from}");
        read(&ECOMMERCE.replacen(from, to, 1))
    };
    for (from, to) in [
        ("dose: 5, cost: 5", "dose: 5, cost: 6"),
        ("weight: 100", "weight: 90"),
        ("holdout: 0.05", "holdout: 0.04"),
        (">= 0.8", ">= 0.7"),
    ] {
        let changed = with(from, to);
        assert_eq!(changed.model_digest(), base.model_digest(), "{from}");
        assert_ne!(changed.policy_digest(), base.policy_digest(), "{from}");
        assert_ne!(changed.digest(), base.digest(), "{from}");
    }
    for (from, to) in [
        ("dose: 5, cost: 5", "dose: 6, cost: 5"),
        ("window: 30d", "window: 29d"),
        (
            "    - location -> coupon_discount\n",
            "    - location -> {coupon_discount, ad_exposure}\n",
        ),
        (
            "historical_spend, session_frequency]\n\npolicy",
            "historical_spend]\n\npolicy",
        ),
        ("propensity_clip: 0.01", "propensity_clip: 0.02"),
    ] {
        let changed = with(from, to);
        assert_ne!(changed.model_digest(), base.model_digest(), "{from}");
        assert_eq!(changed.policy_digest(), base.policy_digest(), "{from}");
    }
    let judged = with("rows_per_arm_min: 10", "rows_per_arm_min: 11");
    assert_eq!(judged.model_digest(), base.model_digest());
    assert_eq!(judged.policy_digest(), base.policy_digest());
    assert_ne!(judged.operation_digest(), base.operation_digest());
    assert_ne!(judged.digest(), base.digest());
    let words = with("Coupons, ads and free", "Coupons or free");
    assert_eq!(words.model_digest(), base.model_digest());
    assert_eq!(read(&format!("# a comment\n{ECOMMERCE}")).digest(), base.digest());
    // The registry and the decision record keep a problem as JSON.
    let json = serde_json::to_string(&base).unwrap();
    assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), base);
}

#[test]
fn one_mistake_is_told_once() {
    for (from, to) in [
        ("window: 30d", "window: soon"),
        ("role: confounder", "role: confunder"),
        ("weight: 100", "weight: much"),
        ("kind: categorical", "kind: category"),
        ("exploration: 0.05", "exploration: some"),
        (
            "- location -> coupon_discount",
            "- location -> coupon_discount -> nowhere",
        ),
        ("cost: 3", "cost: three"),
        ("primary: true", "primary: indeed"),
    ] {
        let line = ECOMMERCE[..ECOMMERCE.find(from).unwrap()].matches('\n').count() + 1;
        let faults = Problem::from_yaml(&ECOMMERCE.replacen(from, to, 1)).unwrap_err();
        assert_eq!(faults.len(), 1, "{from}: {faults:#?}");
        assert_eq!(faults[0].line, line);
    }
}

#[test]
fn text_that_is_no_problem_is_told_so() {
    let faults = Problem::from_yaml("problem: a\nsource: [table\ngraph: }\n").unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].problem.starts_with("not YAML") && faults[0].line >= 2,
        "{}",
        faults[0]
    );
    let braces = Problem::from_yaml("graph:\n  edges: [a -> {b, c}, b -> c]\n").unwrap_err();
    assert!(
        braces[0].line == 2 && braces[0].fix.contains("in quotes inside brackets"),
        "{}",
        braces[0]
    );
    for (text, words) in [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n- b\n", "must be keys with values"),
        ("just words", "must be keys with values"),
        ("? [a]\n: b\n", "where a key should"),
        ("a: *b\n", "not YAML"),
        ("problem: a\n---\nproblem: b\n", "a second document"),
    ] {
        let faults = Problem::from_yaml(text).unwrap_err();
        assert!(
            faults.iter().any(|f| f.problem.contains(words)),
            "{text:?}: {faults:?}"
        );
    }
    let deep = format!("a: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(Problem::from_yaml(&deep).is_err());
    let deep_blocks = format!("{}x", "- ".repeat(20_000));
    assert!(
        Problem::from_yaml(&deep_blocks).unwrap_err()[0]
            .problem
            .contains("nested deeper")
    );
    let big = format!("problem: {}", "a".repeat(2 << 20));
    assert!(Problem::from_yaml(&big).unwrap_err()[0].problem.contains("1 MiB"));
}

#[test]
fn a_broken_file_tells_all_its_faults_at_once() {
    let faults = Problem::from_yaml(include_str!("broken.yaml")).unwrap_err();
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_mutation_of_a_problem_file_makes_the_reader_panic(
        hillstrom: bool,
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0usize..24, "[-a-z0-9:{}\\[\\],<>&*!|#'\"%@ \n\t]{0,6}"),
            1..5,
        ),
    ) {
        let mut text: Vec<char> = if hillstrom { HILLSTROM } else { ECOMMERCE }.chars().collect();
        for (at, cut, put) in edits {
            let start = at.index(text.len());
            let end = (start + cut).min(text.len());
            text.splice(start..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        let lines = text.lines().count().max(1);
        if let Err(faults) = Problem::from_yaml(&text) {
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|f| f.line >= 1 && f.line <= lines + 1));
            prop_assert!(faults.windows(2).all(|p| p[0].line <= p[1].line));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", yaml in "[-a-c:{}\\[\\],<>&*!|#'\"%@?~ \n\t]{0,60}") {
        let _ = Problem::from_yaml(&text);
        let _ = Problem::from_yaml(&yaml);
    }
}
