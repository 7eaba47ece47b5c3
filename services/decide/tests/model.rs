//! A served model: effects solved by hand, and every inconsistent artifact refused for its own reason.
// Helpers of tests may unwrap as tests may.
#![allow(clippy::unwrap_used)]

mod support;

use ceteris_contract::arrays::Arrays;
use ceteris_contract::manifest::{BasisTerm, Manifest, feature_hash};
use ceteris_contract::record::{Feature, Origin, PointEffect};
use ceteris_contract::value::Value;
use ceteris_model::served::{Model, ModelFault, Scratch};
use support::{ecommerce_yaml, model, problem, renamed};

/// Features of the problem in its order, all unknown but these.
fn features(values: &[(&str, Value)]) -> Vec<Feature> {
    let problem = problem(&ecommerce_yaml());
    let value = |name: &str| {
        values
            .iter()
            .find(|(n, _)| *n == name)
            .map_or(Value::Null, |(_, v)| v.clone())
    };
    problem
        .decision_views()
        .map(|view| Feature {
            name: view.name.clone(),
            value: value(&view.name),
            origin: Origin::Context,
        })
        .collect()
}

fn compiled() -> Model {
    let problem = problem(&ecommerce_yaml());
    let (manifest, arrays) = model(&problem, 0.0);
    Model::compile(manifest, &arrays, &problem).unwrap()
}

#[test]
fn effects_and_errors_are_those_solved_by_hand() {
    let model = compiled();
    let mut scratch = Scratch::default();
    // z = (0.75 − 0.5) / 0.25 = 1, gold: phi = (1, 1, 1).
    let x = features(&[("price_sensitivity", 0.75.into()), ("user_tier", "gold".into())]);
    let evaluation = model.evaluate(&x, &mut scratch).unwrap();
    assert!(evaluation.in_support());
    let effects: Vec<(&str, PointEffect)> = evaluation.effects("coupon_10pct").collect();
    assert_eq!(effects.len(), 2);
    assert_eq!(effects[0].0, "purchase_decision");
    assert!((effects[0].1.effect - 0.35).abs() < 1e-15);
    // phi' V phi = .0004 + .0001 + .0009 + 2 · .0001.
    assert!((effects[0].1.std_error - 0.0016f64.sqrt()).abs() < 1e-15);
    assert_eq!(evaluation.effects("ad").count(), 0);
    assert_eq!(
        model.not_served("ad", "purchase_decision"),
        Some("not_identified")
    );
    // Silver, z = −2: phi = (1, −2, 0), variance .0004 + .0004 − .0004.
    let x = features(&[("price_sensitivity", 0.0.into()), ("user_tier", "silver".into())]);
    let evaluation = model.evaluate(&x, &mut scratch).unwrap();
    let (_, point) = evaluation.effects("coupon_10pct").next().unwrap();
    assert!(
        point.effect.abs() < 1e-15 && (point.std_error - 0.02).abs() < 1e-15,
        "{point:?}"
    );
}

#[test]
fn support_is_the_training_rows_range_and_levels() {
    let model = compiled();
    let mut scratch = Scratch::default();
    let mut supported = |price: f64, tier: Value| {
        let x = features(&[("price_sensitivity", price.into()), ("user_tier", tier)]);
        model.evaluate(&x, &mut scratch).map(|e| e.in_support())
    };
    assert_eq!(supported(0.0, "gold".into()), Some(true));
    assert_eq!(supported(1.0, "bronze".into()), Some(true));
    assert_eq!(supported(1.000_001, "gold".into()), Some(false));
    assert_eq!(supported(0.5, "platinum".into()), Some(false));
    assert_eq!(supported(0.5, Value::Null), None);
    assert_eq!(supported(0.5, Value::Number(3.0)), Some(false));
}

#[test]
fn an_absurd_feature_gives_no_effect_instead_of_an_infinite_one() {
    let model = compiled();
    let mut scratch = Scratch::default();
    let x = features(&[("price_sensitivity", 1e300.into()), ("user_tier", "gold".into())]);
    let evaluation = model.evaluate(&x, &mut scratch).unwrap();
    assert_eq!(evaluation.effects("coupon_10pct").count(), 0);
}

type Change = fn(&mut Manifest, &mut Arrays);

#[test]
fn every_inconsistent_artifact_is_refused_for_its_own_reason() {
    const BETA: &str = "beta/purchase_decision/coupon_10pct";
    const COV: &str = "cov/purchase_decision/coupon_10pct";
    let changes: [(&str, Change); 22] = [
        ("manifest version 9", |m, _| m.manifest_version = 9),
        ("is of problem other", |m, _| m.what.problem = "other".into()),
        ("train again", |m, _| m.what.problem_model_digest = "x".into()),
        ("assumed", |m, _| m.what.assumed = true),
        ("feature_hash", |m, _| m.what.feature_hash = "x".into()),
        ("no such view", |m, _| {
            m.what.features[0].name = "cart_value".into()
        }),
        ("number in one", |m, _| {
            m.what.features.swap_remove(1).levels.clear()
        }),
        ("not an interval", |m, _| {
            m.what.features[0].range = Some([1.0, 0.0])
        }),
        ("no levels", |m, _| m.what.features[1].levels.clear()),
        ("effect_basis[1]: its feature", |m, _| {
            m.what.effect_basis[1] = BasisTerm::Standardised {
                feature: "location".into(),
                center: 0.0,
                scale: 1.0,
            };
        }),
        ("scale finite and positive", |m, _| {
            m.what.effect_basis[1] = BasisTerm::Standardised {
                feature: "price_sensitivity".into(),
                center: 0.0,
                scale: 0.0,
            };
        }),
        ("cannot be standardised", |m, _| {
            m.what.effect_basis[1] = BasisTerm::Standardised {
                feature: "user_tier".into(),
                center: 0.0,
                scale: 1.0,
            };
        }),
        ("a number has no levels", |m, _| {
            m.what.effect_basis[2] = BasisTerm::Level {
                feature: "price_sensitivity".into(),
                level: "gold".into(),
            };
        }),
        ("its level is not", |m, _| {
            m.what.effect_basis[2] = BasisTerm::Level {
                feature: "user_tier".into(),
                level: "lead".into(),
            };
        }),
        ("no such arm", |m, _| {
            m.what.effects[0].arm = "coupon_50pct".into()
        }),
        ("another treatment", |m, _| {
            m.what.effects[0].treatment = "ad".into()
        }),
        ("no such outcome", |m, _| m.what.effects[0].outcome = "joy".into()),
        ("listed twice", |m, _| {
            let twice = m.what.effects[0].clone();
            m.what.effects.push(twice);
        }),
        ("is missing", |_, a| drop(a.remove(BETA))),
        ("its shape", |_, a| a.get_mut(COV).unwrap().shape = vec![9]),
        ("not finite", |_, a| a.get_mut(BETA).unwrap().data[1] = f64::NAN),
        ("not symmetric", |_, a| a.get_mut(COV).unwrap().data[1] = 0.0002),
    ];
    let problem = problem(&ecommerce_yaml());
    for (wanted, change) in changes {
        let (mut manifest, mut arrays) = model(&problem, 0.0);
        change(&mut manifest, &mut arrays);
        if wanted == "number in one" {
            manifest.what.features.push(manifest.what.features[0].clone());
            manifest.what.features[1].kind = ceteris_contract::problem::ViewKind::Categorical;
        }
        if !wanted.starts_with("feature_hash") {
            manifest.what.feature_hash = feature_hash(&manifest.what.features);
        }
        let version = manifest.manifest_version;
        let mut manifest = renamed(manifest, &arrays);
        manifest.manifest_version = version;
        let fault = Model::compile(manifest, &arrays, &problem)
            .unwrap_err()
            .to_string();
        assert!(fault.contains(wanted), "{wanted}: {fault}");
    }
}

#[test]
fn one_changed_bit_is_refused_by_digest() {
    let problem = problem(&ecommerce_yaml());
    let (manifest, mut arrays) = model(&problem, 0.0);
    let number = &mut arrays
        .get_mut("beta/purchase_decision/coupon_10pct")
        .unwrap()
        .data[0];
    *number = f64::from_bits(number.to_bits() ^ 1);
    let fault = Model::compile(manifest.clone(), &arrays, &problem).unwrap_err();
    assert_eq!(
        fault,
        ModelFault::Digest {
            version: manifest.version
        }
    );
}

#[test]
fn a_negative_variance_is_refused() {
    let problem = problem(&ecommerce_yaml());
    let (manifest, mut arrays) = model(&problem, 0.0);
    arrays.get_mut("cov/purchase_decision/coupon_10pct").unwrap().data[0] = -0.1;
    let fault = Model::compile(renamed(manifest, &arrays), &arrays, &problem)
        .unwrap_err()
        .to_string();
    assert!(fault.contains("variance is negative"), "{fault}");
}
