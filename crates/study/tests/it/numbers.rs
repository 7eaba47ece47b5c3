//! Every method and learner held to numbers: those recorded, and those computed by hand. What the files are is in
//! `data/README.md`.

use std::path::Path;

use ceteris_effect::Effect;
use ceteris_estimate::unwatched;
use ceteris_graph::Graph;
use ceteris_study::{
    CheckQuestion, EstimateQuestion, EvaluateQuestion, FitQuestion, LEVEL, Prediction, check_graph, estimate,
    evaluate, fit_effects, predict,
};
use ceteris_table::{FileFormat, Table, TableWriter};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::close::differences;

/// Rows of effects that are recorded whole; of all others the mean.
const SHOWN: usize = 3;

fn small() -> Table {
    Table::from_csv(&include_bytes!("data/small.csv")[..]).unwrap()
}

/// The recorded cases of a kind: name, question, answer.
fn cases(kind: &str) -> Vec<(String, Value, Value)> {
    let of = |line: &str| {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap().to_owned();
        (case["kind"] == kind).then(|| (name, case["question"].clone(), case["answer"].clone()))
    };
    let found: Vec<_> = include_str!("data/cases.jsonl").lines().filter_map(of).collect();
    assert!(!found.is_empty(), "{kind}");
    found
}

fn read<T: DeserializeOwned>(question: &Value) -> T {
    serde_json::from_value(question.clone()).unwrap()
}

fn hold(name: &str, expected: &Value, found: &Value) {
    let told = differences(expected, found);
    assert!(told.is_empty(), "{name}\n{}", told.join("\n"));
}

#[test]
fn every_estimate_is_the_recorded_one() {
    let table = small();
    for (name, question, answer) in cases("estimate") {
        let report = estimate(&read::<EstimateQuestion>(&question), &table, None, &unwatched);
        hold(&name, &answer, &json!(report.unwrap()));
    }
}

#[test]
fn estimates_are_those_computed_by_hand() {
    let by_hand: Value = serde_json::from_str(include_str!("data/by_hand.json")).unwrap();
    let table = small();
    for (method, expected) in by_hand.as_object().unwrap() {
        let name = format!("by hand: {method}");
        let (_, question, _) = cases("estimate").into_iter().find(|case| case.0 == name).unwrap();
        let report = estimate(&read::<EstimateQuestion>(&question), &table, None, &unwatched).unwrap();
        let found = json!({ "estimate": report.estimate, "std_error": report.std_error, "n": report.n });
        hold(&name, expected, &found);
    }
}

/// The first rows of effects, and the mean of each column where it is known.
fn shown(prediction: &Prediction) -> Value {
    let rows: Vec<Vec<Value>> = prediction.values().collect();
    let mean = |column: usize| {
        let known: Vec<f64> = rows.iter().filter_map(|row| row[column].as_f64()).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let means: Vec<Option<f64>> = (0..rows[0].len()).map(mean).collect();
    json!({ "rows": rows[..SHOWN], "means": means })
}

#[test]
fn every_learner_of_effects_gives_the_recorded_ones() {
    let table = small();
    for (name, question, answer) in cases("fit") {
        let fitted = fit_effects(&read::<FitQuestion>(&question), &table, &unwatched).unwrap();
        let prediction = predict(&fitted.manifest, &fitted.model, &table).unwrap();
        let mut found = json!(fitted.report(Path::new("model")));
        let asked = prediction.report(&fitted.manifest, Path::new("effects.csv"));
        found["unknown"] = json!(asked.unknown);
        found["outside_support"] = json!(asked.outside_support);
        found["effects"] = shown(&prediction);
        let told = found.as_object_mut().unwrap();
        told.retain(|name, _| name != "out" && name != "digest");
        hold(&name, &answer, &found);
        let known = |e: &Effect| {
            e.tau.is_finite() && e.std_error.is_finite() == fitted.model.learner().has_interval()
        };
        assert!(prediction.effects.iter().all(known), "{name}");
    }
}

#[test]
fn effects_are_judged_as_recorded() {
    let table = small();
    let (_, question, _) = cases("fit").swap_remove(0);
    let fitted = fit_effects(&read::<FitQuestion>(&question), &table, &unwatched).unwrap();
    let prediction = predict(&fitted.manifest, &fitted.model, &table).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("effects.csv");
    let mut out = TableWriter::create(&path, FileFormat::Csv, prediction.columns()).unwrap();
    prediction.values().for_each(|row| out.row(row).unwrap());
    out.finish().unwrap();
    let effects = Table::read(&path).unwrap();
    for (name, question, answer) in cases("evaluate") {
        let question: EvaluateQuestion = read(&question);
        let report = evaluate(&question, &effects, &table, &unwatched).unwrap();
        hold(&name, &answer, &json!(report));
        assert!(report.to_string().starts_with("300 rows, R-score "), "{report}");
    }
}

#[test]
fn graphs_are_checked_as_recorded() {
    let table = small();
    for (name, question, answer) in cases("check") {
        let graph = Graph::parse(question["graph"].as_str().unwrap()).unwrap();
        let report = check_graph(&read::<CheckQuestion>(&question), &graph, &table).unwrap();
        hold(&name, &answer, &json!(report));
    }
}

#[test]
fn every_interval_of_the_known_effects_holds_the_truth() {
    let table = small();
    let named = |wanted: &str| {
        cases("estimate")
            .into_iter()
            .find(|case| case.0 == wanted)
            .unwrap()
    };
    // Each holds it for nineteen seeds of the table in twenty; the seed is one for which all three do.
    let tau = table.complete_numbers("tau").unwrap();
    let average = tau.iter().sum::<f64>() / tau.len() as f64;
    for (name, truth) in [("irm ate", average), ("pliv", 2.0), ("frontdoor", 0.75)] {
        let (_, question, _) = named(name);
        let report = estimate(&read::<EstimateQuestion>(&question), &table, None, &unwatched).unwrap();
        let [low, high] = report.ci.unwrap();
        assert!(
            (low..=high).contains(&truth),
            "{name}: [{low}, {high}] at {LEVEL}"
        );
    }
}
