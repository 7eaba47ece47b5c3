//! How a table becomes a dataset, and that every complaint names line, column and fix.

#![allow(clippy::unwrap_used)]

use ceteris_contract::dataset::{Column, Dataset};
use ceteris_contract::problem::Problem;
use ceteris_table::{Table, TableFault};
use ceteris_trainer::table::{dataset_from_table, unit_of_row};
use proptest::prelude::*;

const PROBLEM: &str = "
problem: mail
source: { table: { unit: id } }
graph:
  nodes:
    letter: { role: treatment }
    sale: { role: outcome }
    past: { role: effect_modifier, measured_by: [age, town] }
    opened: { role: mediator, measured_by: [opened] }
  edges: [letter -> sale, letter -> opened, past -> sale]
features:
  age: { default: 40 }
  town: { kind: categorical }
  opened: {}
treatments:
  letter:
    column: sent
    control: 0
    arms:
      short: { dose: 1, cost: 1 }
      long: { dose: 2.5, cost: 2 }
outcomes:
  sale: { column: euros, primary: true, weight: 1 }
effect_basis: [age]
";

const ROWS: &str = "id,age,town,sent,opened,euros\n\
    a,31,\"Rome, IT\",0,,1.5\n\
    b,,Bern,1.0,1,0\n\
    c,52,,2.5,true,-3e1\n";

fn problem() -> Problem {
    Problem::from_yaml(PROBLEM).unwrap_or_else(|f| panic!("{f:#?}"))
}

fn table(text: &str) -> Table {
    Table::from_csv(text.as_bytes()).unwrap()
}

fn faults(text: &str) -> Vec<TableFault> {
    dataset_from_table(&problem(), &table(text)).expect_err(text)
}

/// The value of a column in the row of unit `id`, as text.
fn cell(data: &Dataset, id: &str, column: &str) -> String {
    let row = data.unit.iter().position(|u| *u == unit_of_row(id)).unwrap();
    match data.column(column).unwrap() {
        Column::Number(v) => v[row].to_string(),
        Column::Text(v) => v[row].clone().unwrap_or_else(|| "-".into()),
    }
}

#[test]
fn a_table_becomes_the_dataset_the_problem_describes() {
    let data = dataset_from_table(&problem(), &table(ROWS)).unwrap();
    let names: Vec<&str> = data.columns.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(
        names,
        [
            "confounder_age",
            "confounder_town",
            "treatment_letter",
            "outcome_sale",
            "mediator_opened"
        ]
    );
    let read = |id: &str| names.iter().map(|n| cell(&data, id, n)).collect::<Vec<_>>();
    assert_eq!(read("a"), ["31", "Rome, IT", "-", "1.5", "NaN"]);
    assert_eq!(read("b"), ["40", "Bern", "short", "0", "1"]);
    assert_eq!(read("c"), ["52", "-", "long", "-30", "1"]);
    assert_eq!(data.weight, [1.0; 3]);
    // The file's own ids are kept nowhere.
    assert!(data.source.iter().zip(&data.unit).all(|(s, u)| *s == u.to_hex()));
}

#[test]
fn rows_in_another_order_are_the_same_dataset() {
    let mut lines: Vec<&str> = ROWS.lines().collect();
    lines[1..].reverse();
    let turned = dataset_from_table(&problem(), &table(&lines.join("\n"))).unwrap();
    let data = dataset_from_table(&problem(), &table(ROWS)).unwrap();
    assert_eq!(data.digest(), turned.digest());
    assert_eq!(data.unit, turned.unit);
    assert!(data.unit.is_sorted());
}

#[test]
fn every_fault_names_line_column_and_fix() {
    for (from, to, told) in [
        (
            "a,31",
            "a,old",
            "line 2, column age: `old` is no finite number; write a number",
        ),
        ("c,52", "c,inf", "line 4, column age: `inf` is no finite number"),
        (
            "2.5,true",
            "3,true",
            "line 4, column sent: `3` is neither control nor an arm; the problem knows `0`, `1`, `2.5`",
        ),
        (
            "2.5,true",
            ",true",
            "line 4, column sent: the empty cell is neither control nor an arm",
        ),
        (
            "-3e1",
            "",
            "line 4, column euros: the empty cell is no outcome; give the row its outcome",
        ),
        (
            "c,52",
            "a,52",
            "line 4, column id: `a` stands on line 2 already; keep one row per unit",
        ),
        ("b,,", ",,", "line 3, column id: the empty cell names no unit"),
        (
            "euros",
            "dollars",
            "column euros: the file has no such column; the file has: id, age, town, sent, opened, dollars",
        ),
    ] {
        let found: Vec<String> = faults(&ROWS.replacen(from, to, 1))
            .iter()
            .map(TableFault::to_string)
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(told), "{} is not {told}", found[0]);
    }
    assert!(
        faults("id,age,town,sent,opened,euros\n")[0]
            .to_string()
            .contains("no rows")
    );
}

#[test]
fn all_columns_complain_at_once_and_repeated_faults_are_counted() {
    let text = ROWS.replace("31", "x").replace("52", "y").replace("1.5", "z");
    let found: Vec<String> = faults(&text).iter().map(TableFault::to_string).collect();
    assert_eq!(found.len(), 2);
    assert!(
        found[0].contains("`x` is no finite number (and 1 more rows)"),
        "{}",
        found[0]
    );
    assert!(found[1].starts_with("line 2, column euros: `z`"), "{}", found[1]);
}

#[test]
fn a_problem_over_events_takes_no_table() {
    let events = include_str!("../../../../deploy/problems/ecommerce.yaml");
    let found = dataset_from_table(&Problem::from_yaml(events).unwrap(), &table(ROWS)).unwrap_err();
    assert!(found[0].to_string().contains("reads events"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-c0-9,.\"\n\r -]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for table in [Table::from_csv(text.as_bytes()), Table::from_csv(bytes.as_slice())].into_iter().flatten() {
            prop_assert!(table.names().iter().all(|n| table.text(n).unwrap().len() == table.len()));
            let _ = dataset_from_table(&problem(), &table);
        }
    }
}
