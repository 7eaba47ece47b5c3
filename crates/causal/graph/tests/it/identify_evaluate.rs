//! Estimands evaluated by hand-solved numbers, written and read back, and refused where they have no value.
#![allow(clippy::unwrap_used)]

use ceteris_graph::Graph;
use ceteris_graph::identify::{Estimand, EvaluateError, Joint, JointError, Query, identify};
use std::collections::BTreeMap;

fn values(pairs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// Z fair; P(X=1|Z) = .2, .8; P(Y=1|x,z) = .1 + .3 x + .4 z. Then P(Y=1|do(1)) = .4 + .4/2 = .6 and P(Y=1|do(0)) = .3,
/// while P(Y=1|X=1) = .4 + .4 * .8 = .72.
fn confounded() -> Joint {
    let mut cells = Vec::new();
    for z in [0.0, 1.0] {
        for x in [0.0, 1.0] {
            for y in [0.0, 1.0] {
                let treated: f64 = 0.2 + 0.6 * z;
                let bought = 0.1 + 0.3 * x + 0.4 * z;
                let pick = |p: f64, v: f64| if v == 1.0 { p } else { 1.0 - p };
                cells.push(0.5 * pick(treated, x) * pick(bought, y));
            }
        }
    }
    Joint::new(vec![("Z".into(), 2), ("X".into(), 2), ("Y".into(), 2)], cells).unwrap()
}

#[test]
fn the_adjustment_formula_by_hand() {
    let graph = Graph::parse("Z -> X -> Y; Z -> Y").unwrap();
    let estimand = identify(&graph, &Query::new("X", "Y")).unwrap().estimand.unwrap();
    for (x, expected) in [(1, 0.6), (0, 0.3)] {
        let found = estimand
            .evaluate(&confounded(), &values(&[("X", x), ("Y", 1)]))
            .unwrap();
        assert!((found - expected).abs() < 1e-12, "{found}");
    }
    let naive = Estimand::P {
        of: vec!["Y".into()],
        given: vec!["X".into()],
    };
    let found = naive
        .evaluate(&confounded(), &values(&[("X", 1), ("Y", 1)]))
        .unwrap();
    assert!((found - 0.72).abs() < 1e-12, "{found}");
}

#[test]
fn a_bound_copy_does_not_leak_into_the_free_variable() {
    // sum_x' P(x') P(y | x) = P(y | x), whatever was bound before.
    let text = r#"{"sum": {"over": ["X'"], "body": {"product": [
        {"p": {"of": ["X'"], "given": []}}, {"p": {"of": ["Y"], "given": ["X"]}}]}}}"#;
    let estimand: Estimand = serde_json::from_str(text).unwrap();
    let set = values(&[("X", 1), ("Y", 1), ("X'", 0)]);
    let found = estimand.evaluate(&confounded(), &set).unwrap();
    assert!((found - 0.72).abs() < 1e-12, "{found}");
    assert_eq!(
        serde_json::from_str::<Estimand>(&serde_json::to_string(&estimand).unwrap()).unwrap(),
        estimand
    );
}

#[test]
fn what_has_no_value_says_why() {
    let joint = Joint::new(vec![("X".into(), 2), ("Y".into(), 2)], vec![0.5, 0.5, 0.0, 0.0]).unwrap();
    let p = |of: &str, given: &[&str]| Estimand::P {
        of: vec![of.into()],
        given: given.iter().map(|g| (*g).to_owned()).collect(),
    };
    let at = values(&[("X", 1), ("Y", 1)]);
    assert_eq!(
        p("Y", &["X"]).evaluate(&joint, &at),
        Err(EvaluateError::Undefined("X".into()))
    );
    assert_eq!(
        p("Q", &[]).evaluate(&joint, &at),
        Err(EvaluateError::Unknown("Q".into()))
    );
    assert_eq!(
        p("Y", &[]).evaluate(&joint, &values(&[])),
        Err(EvaluateError::Unset("Y".into()))
    );
    assert_eq!(
        p("Y", &[]).evaluate(&joint, &values(&[("Y", 2)])),
        Err(EvaluateError::Unset("Y".into()))
    );
    let ratio = Estimand::Ratio {
        num: Box::new(p("Y", &[])),
        den: Box::new(p("X", &[])),
    };
    assert_eq!(
        ratio.evaluate(&joint, &at),
        Err(EvaluateError::Undefined("P(X)".into()))
    );
}

#[test]
fn tables_that_are_no_distributions_are_refused() {
    let one = |cells: Vec<f64>| Joint::new(vec![("X".into(), 2)], cells);
    assert_eq!(
        one(vec![1.0]),
        Err(JointError::Size {
            expected: 2,
            found: 1
        })
    );
    assert_eq!(one(vec![0.5, 0.6]), Err(JointError::Total(1.1)));
    assert_eq!(one(vec![1.5, -0.5]), Err(JointError::Total(1.0)));
    assert!(one(vec![f64::NAN, 0.5]).is_err());
    let twice = Joint::new(vec![("X".into(), 1), ("X".into(), 1)], vec![1.0]);
    assert_eq!(twice, Err(JointError::Variable("X".into())));
}

#[test]
fn estimands_in_words_and_latex() {
    let graph = Graph::parse("price_sensitivity -> coupon -> Y1; price_sensitivity -> Y1").unwrap();
    let answer = identify(&graph, &Query::new("coupon", "Y1")).unwrap();
    assert_eq!(
        answer.words.unwrap(),
        "the sum over price_sensitivity of (the probability of Y1 given price_sensitivity and coupon, \
         times the probability of price_sensitivity)"
    );
    assert_eq!(
        answer.latex.unwrap(),
        r"P(Y_{1} \mid \mathrm{do}(\mathrm{coupon})) = \sum_{\mathrm{price\_sensitivity}} P(Y_{1} \mid \mathrm{price\_sensitivity}, \mathrm{coupon})\, P(\mathrm{price\_sensitivity})"
    );
    assert_eq!(Estimand::Product(vec![]).latex(), "1");
}
