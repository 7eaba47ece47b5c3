//! The quality gate: a sound dataset passes with its figures, and each flaw is told with its column and the fix.

#![allow(clippy::unwrap_used)]

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::problem::Problem;
use ceteris_table::Table;
use ceteris_trainer::gate::quality;
use ceteris_trainer::table::dataset_from_table;

const PROBLEM: &str = "
problem: mail
source: table
graph:
  nodes:
    letter: { role: treatment }
    call: { role: treatment }
    sale: { role: outcome }
    past: { role: confounder, measured_by: [age, town] }
  edges: ['past -> {letter, call, sale}', letter -> sale, call -> sale]
features:
  age: {}
  town: { kind: categorical, optional: true }
treatments:
  letter:
    column: letter
    control: none
    arms: { short: { cost: 1 }, long: { cost: 2 } }
  call: { column: call, control: 0, dose: 1, cost: 1 }
outcomes:
  sale: { primary: true, weight: 1 }
effect_basis: [age]
gates: { rows_per_arm_min: 2, missing_share_max: 0.25 }
";

const ROWS: &str = "age,town,letter,call,sale\n\
    31,Bern,none,0,1\n33,,none,0,0\n35,,short,1,3\n37,,short,0,1\n,Rome,long,1,2\n41,Rome,none,0,5\n";

fn problem() -> Problem {
    Problem::from_yaml(PROBLEM).unwrap_or_else(|f| panic!("{f:#?}"))
}

fn data() -> Dataset {
    dataset_from_table(&problem(), &Table::from_csv(ROWS.as_bytes()).unwrap()).unwrap()
}

/// All faults of the dataset after one change, as text.
fn told(change: impl FnOnce(&mut Dataset)) -> Vec<String> {
    let mut data = data();
    change(&mut data);
    quality(&problem(), &data)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn numbers<'a>(data: &'a mut Dataset, name: &str) -> &'a mut Vec<f64> {
    match data.columns.iter_mut().find(|(n, _)| n == name) {
        Some((_, Column::Number(values))) => values,
        _ => panic!("{name}"),
    }
}

fn texts<'a>(data: &'a mut Dataset, name: &str) -> &'a mut Vec<Option<String>> {
    match data.columns.iter_mut().find(|(n, _)| n == name) {
        Some((_, Column::Text(values))) => values,
        _ => panic!("{name}"),
    }
}

fn only(faults: &[String], column: &str, words: &str) {
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].starts_with(&format!("{column}: ")) && faults[0].contains(words),
        "{}",
        faults[0]
    );
    assert!(faults[0].contains("; "), "no fix in {}", faults[0]);
}

#[test]
fn a_sound_dataset_passes_with_its_figures() {
    let gates = quality(&problem(), &data()).unwrap();
    let seen: Vec<(&str, f64, f64, bool)> = gates
        .iter()
        .map(|(name, g)| (name.as_str(), g.value, g.bound, g.passed))
        .collect();
    assert_eq!(
        seen,
        [
            ("missing_share/age", 1.0 / 6.0, 0.25, true),
            // An optional view may be missing everywhere.
            ("missing_share/town", 0.5, 1.0, true),
            ("rows", 6.0, 1.0, true),
            ("rows_per_arm/call/call", 2.0, 2.0, true),
            ("rows_per_arm/call/none", 4.0, 2.0, true),
            // Too few rows keep an arm out, not the problem.
            ("rows_per_arm/letter/long", 1.0, 2.0, false),
            ("rows_per_arm/letter/none", 3.0, 2.0, true),
            ("rows_per_arm/letter/short", 2.0, 2.0, true),
        ]
    );
}

#[test]
fn values_that_cannot_be_used_are_told() {
    only(
        &told(|d| numbers(d, "confounder_age")[0] = f64::INFINITY),
        "confounder_age",
        "row 0 is infinite",
    );
    only(
        &told(|d| numbers(d, "confounder_age").fill(f64::NAN)),
        "confounder_age",
        "1.000 of the rows miss it",
    );
    only(
        &told(|d| numbers(d, "outcome_sale")[3] = f64::NAN),
        "outcome_sale",
        "row 3 is NaN",
    );
    only(
        &told(|d| numbers(d, "outcome_sale").fill(2.0)),
        "outcome_sale",
        "every row is 2",
    );
    only(&told(|d| d.weight[1] = 0.0), "weight", "row 1 weighs 0");
    only(&told(|d| d.weight[2] = f64::NAN), "weight", "row 2 weighs NaN");
    only(
        &told(|d| texts(d, "treatment_letter")[0] = Some("loud".into())),
        "treatment_letter",
        "`loud`, which is no arm",
    );
}

#[test]
fn absent_and_wrong_columns_are_told_all_at_once() {
    let faults = told(|d| {
        d.columns.retain(|(name, _)| name != "confounder_age");
        let rows = d.len();
        *d.columns
            .iter_mut()
            .find(|(n, _)| n == "outcome_sale")
            .map(|(_, c)| c)
            .unwrap() = Column::Text(vec![None; rows]);
        *d.columns
            .iter_mut()
            .find(|(n, _)| n == "treatment_call")
            .map(|(_, c)| c)
            .unwrap() = Column::Number(vec![0.0; rows]);
    });
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("confounder_age: the dataset has no such column"));
    assert!(faults[1].starts_with("outcome_sale: holds text"));
    assert!(faults[2].starts_with("treatment_call: holds numbers"));
    only(
        &told(|d| numbers(d, "outcome_sale").truncate(5)),
        "outcome_sale",
        "has 5 values for 6 rows",
    );
    assert!(!told(|d| *d = Dataset::default()).is_empty());
}

#[test]
fn one_treatment_with_enough_rows_is_enough_and_none_is_a_fault() {
    let mut one = data();
    texts(&mut one, "treatment_call").fill(None);
    assert!(!quality(&problem(), &one).unwrap()["rows_per_arm/call/call"].passed);
    let faults = told(|d| {
        texts(d, "treatment_call").fill(None);
        let letters = texts(d, "treatment_letter");
        letters.fill(Some("short".into()));
        letters[0] = None;
    });
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("has too few rows: control 1, short 5, long 0"),
        "{}",
        faults[0]
    );
    assert!(
        faults[1].contains("does not vary: control 6, call 0"),
        "{}",
        faults[1]
    );
}

#[test]
fn logged_rows_need_their_propensity() {
    let logged = |d: &mut Dataset| d.assignment[0] = Assignment::Logged;
    let faults = told(logged);
    assert_eq!(faults.len(), 2);
    assert!(faults[0].starts_with("propensity_letter: the dataset has no such column"));
    let with = |p: f64| {
        move |d: &mut Dataset| {
            logged(d);
            let mut column = vec![f64::NAN; d.len()];
            column[0] = p;
            d.columns
                .push(("propensity_letter".into(), Column::Number(column.clone())));
            column[0] = 0.5;
            d.columns.push(("propensity_call".into(), Column::Number(column)));
        }
    };
    only(
        &told(with(0.0)),
        "propensity_letter",
        "row 0 is 0, no probability above 0",
    );
    let mut good = data();
    with(0.3)(&mut good);
    assert!(quality(&problem(), &good).is_ok());
}
