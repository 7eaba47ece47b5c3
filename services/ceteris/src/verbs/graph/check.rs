//! `ceteris graph check`: a graph against a table.

use std::collections::BTreeMap;

use ceteris_causal::graph::{Graph, Node};
use ceteris_causal::identify::{
    Compatibility, CompatibilityParams, IndependenceTest, Observations, compatibility,
};
use ceteris_table::Table;

use super::args::{Check, TestArg};
use crate::cli::Format;
use crate::output::{bad_input, print};
use crate::verbs::identify::read_graph;

pub(super) fn run(format: Format, args: &Check) -> anyhow::Result<()> {
    let graph = read_graph(&args.graph)?;
    let table =
        Table::read(&args.data).map_err(|error| bad_input(format!("{}: {error}", args.data.display())))?;
    let units = args
        .unit
        .as_deref()
        .map(|column| units(&table, column))
        .transpose()?;
    let columns = columns(&graph, &table, args.unit.as_deref())?;
    if columns.is_empty() {
        return Err(bad_input(format!(
            "{}: no column of numbers measures a node; the file has: {}",
            args.data.display(),
            table.names().join(", ")
        )));
    }
    let params = CompatibilityParams {
        test: match args.test {
            TestArg::Partial => IndependenceTest::PartialCorrelation,
            TestArg::Nonparametric => IndependenceTest::Nonparametric,
        },
        level: args.level,
        effect_min: args.effect_min,
        ..CompatibilityParams::default()
    };
    let data = Observations {
        columns: &columns,
        units: units.as_deref(),
    };
    let answer = compatibility(&graph, &data, &params).map_err(|error| bad_input(error.to_string()))?;
    print(format, &answer, || text(&answer))
}

/// The values of every node that one column of numbers measures. A column of words is no measure of these tests.
fn columns(graph: &Graph, table: &Table, unit: Option<&str>) -> anyhow::Result<BTreeMap<String, Vec<f64>>> {
    let mut found = BTreeMap::new();
    for (_, node) in graph.nodes().filter(|(_, node)| !node.latent && !node.selected) {
        let Some(column) = column_of(node, table).filter(|column| Some(*column) != unit) else {
            continue;
        };
        let Ok(values) = table.numbers(column) else {
            continue;
        };
        if let Some(row) = values.iter().position(|value| value.is_nan()) {
            let line = table.lines()[row];
            return Err(bad_input(format!(
                "line {line}, column {column}: is empty; leave out rows with missing values"
            )));
        }
        found.insert(node.name.clone(), values);
    }
    Ok(found)
}

fn column_of<'a>(node: &'a Node, table: &Table) -> Option<&'a str> {
    let here = |name: &&'a str| table.names().iter().any(|column| column == name);
    let said = match node.measured_by.as_slice() {
        [one] => Some(one.as_str()),
        _ => None,
    };
    Some(node.name.as_str()).filter(here).or(said.filter(here))
}

fn units(table: &Table, column: &str) -> anyhow::Result<Vec<u64>> {
    let cells = table
        .text(column)
        .ok_or_else(|| bad_input(format!("--unit: no column {column}")))?;
    let mut number = BTreeMap::new();
    let units = cells.iter().map(|cell| {
        let next = number.len() as u64;
        *number.entry(cell.as_deref().unwrap_or_default()).or_insert(next)
    });
    Ok(units.collect())
}

fn text(answer: &Compatibility) -> String {
    let mut lines = vec![match answer.compatible {
        Some(true) => format!(
            "the data do not refute the graph: {} independences tested",
            answer.tested.len()
        ),
        Some(false) => "the data refute the graph".to_owned(),
        None => "nothing that the graph implies could be tested on these data".to_owned(),
    }];
    for test in answer.tested.iter().filter(|test| test.refuted) {
        let given = if test.given.is_empty() {
            String::new()
        } else {
            format!(" given {}", test.given.join(", "))
        };
        lines.push(format!(
            "  {} and {} are not independent{given}: correlation {:.3}, p = {:.2e} after Holm",
            test.left, test.right, test.correlation, test.p_adjusted
        ));
    }
    if !answer.untested.is_empty() || !answer.verma.is_empty() {
        let (untested, verma) = (answer.untested.len(), answer.verma.len());
        lines.push(format!(
            "untested: {untested} independences, {verma} Verma constraints"
        ));
    }
    lines.join("\n")
}
