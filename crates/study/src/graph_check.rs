//! A causal graph against a table: does any independence that it implies fail?

use std::collections::BTreeMap;

use ceteris_causal::compatible::{
    Compatibility, CompatibilityParams, IndependenceTest, Observations, compatibility,
};
use ceteris_graph::{Graph, Node};
use ceteris_stats::Unit;
use ceteris_table::{Table, TableFault};
use serde::{Deserialize, Serialize};

use crate::error::{StudyError, question};

/// How a graph is tested against a table. A node is measured by the column of its name, or by the one column it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckQuestion {
    /// The column whose values are units; rows of one unit share an error.
    pub unit: Option<String>,
    /// The test of an independence; partial correlation.
    pub test: IndependenceTest,
    /// The chance that a right graph has any independence rejected; 0.05.
    pub level: f64,
    /// Correlations up to this size refute nothing; 0.05.
    pub effect_min: f64,
}

impl Default for CheckQuestion {
    fn default() -> Self {
        let CompatibilityParams {
            test,
            level,
            effect_min,
            ..
        } = CompatibilityParams::default();
        CheckQuestion {
            unit: None,
            test,
            level,
            effect_min,
        }
    }
}

/// What the data say of a graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CheckReport(pub Compatibility);

/// Tests a graph against a table.
///
/// # Errors
/// A table that measures no node, or has gaps; a question out of range.
pub fn check_graph(asked: &CheckQuestion, graph: &Graph, table: &Table) -> Result<CheckReport, StudyError> {
    let units = asked
        .unit
        .as_deref()
        .map(|column| units(table, column))
        .transpose()?;
    let columns = columns(graph, table, asked.unit.as_deref())?;
    if columns.is_empty() {
        return Err(StudyError::NothingMeasured {
            columns: table.names().to_vec(),
        });
    }
    let params = CompatibilityParams {
        test: asked.test,
        level: asked.level,
        effect_min: asked.effect_min,
        ..CompatibilityParams::default()
    };
    let data = Observations {
        columns: &columns,
        units: units.as_deref(),
    };
    let answer = compatibility(graph, &data, &params).map_err(|error| question(error.to_string()))?;
    Ok(CheckReport(answer))
}

/// The values of every node that one column of numbers measures. A column of words is no measure of these tests.
fn columns(
    graph: &Graph,
    table: &Table,
    unit: Option<&str>,
) -> Result<BTreeMap<String, Vec<f64>>, TableFault> {
    let mut found = BTreeMap::new();
    for (_, node) in graph.nodes().filter(|(_, node)| !node.latent && !node.selected) {
        let Some(column) = column_of(node, table).filter(|column| Some(*column) != unit) else {
            continue;
        };
        if table.numbers(column).is_err() {
            continue;
        }
        let values = table.complete_numbers(column)?;
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

/// Units whose keys are in the order of their first rows.
fn units(table: &Table, column: &str) -> Result<Vec<Unit>, StudyError> {
    let cells = table
        .text(column)
        .ok_or_else(|| question(format!("--unit: no column {column}")))?;
    let mut number = BTreeMap::new();
    let units = cells.iter().map(|cell| {
        let next = Unit((number.len() as u128).to_be_bytes());
        *number.entry(cell.as_deref().unwrap_or_default()).or_insert(next)
    });
    Ok(units.collect())
}

impl std::fmt::Display for CheckReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let answer = &self.0;
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
        f.write_str(&lines.join("\n"))
    }
}
