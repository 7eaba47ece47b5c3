//! Rows on their way into a dataset.

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::identity::UnitKey;
use ceteris_contract::problem::ViewKind;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;

use crate::spec::Spec;

/// Probability with which the policy recommended what it did of a treatment.
const PROPENSITY: &str = "propensity_";
/// Whether an event says that the recommended arm was given.
const EXPOSURE: &str = "exposure_";

/// A dataset without rows: views, treatments, outcomes, mediators, each in file order; then the columns of logged rows,
/// propensities and exposures.
pub(crate) fn empty(spec: &Spec) -> Dataset {
    let of_kind = |kind| match kind {
        ViewKind::Numeric => Column::Number(Vec::new()),
        ViewKind::Categorical => Column::Text(Vec::new()),
    };
    let mut columns = Vec::new();
    for (name, kind) in &spec.view_columns {
        columns.push((name.clone(), of_kind(*kind)));
    }
    for treatment in &spec.treatments {
        columns.push((treatment.column.clone(), Column::Text(Vec::new())));
    }
    for (name, kind) in spec.after.columns() {
        columns.push((name.to_owned(), of_kind(kind)));
    }
    for prefix in [PROPENSITY, EXPOSURE] {
        for treatment in &spec.treatments {
            columns.push((format!("{prefix}{}", treatment.name), Column::Number(Vec::new())));
        }
    }
    Dataset {
        columns,
        ..Dataset::default()
    }
}

/// What every row has besides its columns.
pub(crate) struct Row<'a> {
    pub(crate) unit: UnitKey,
    pub(crate) t: Timestamp,
    pub(crate) source: &'a str,
    pub(crate) assignment: Assignment,
    pub(crate) weight: f64,
}

/// Adds a row to a dataset that [`empty`] made. Columns beyond the last value are missing.
pub(crate) fn push(dataset: &mut Dataset, row: &Row<'_>, values: impl Iterator<Item = Value>) {
    dataset.unit.push(row.unit);
    dataset.t.push(row.t);
    dataset.source.push(row.source.to_owned());
    dataset.assignment.push(row.assignment);
    dataset.weight.push(row.weight);
    let values = values.chain(std::iter::repeat(Value::Null));
    for ((_, column), value) in dataset.columns.iter_mut().zip(values) {
        match column {
            Column::Number(numbers) => numbers.push(value.as_number().unwrap_or(f64::NAN)),
            Column::Text(texts) => texts.push(match value {
                Value::Text(text) => Some(text),
                value => value.as_category(),
            }),
        }
    }
}

/// Without logged rows a dataset has no columns of theirs: it is the same whether decisions are logged or not.
pub(crate) fn without_unused(mut dataset: Dataset) -> Dataset {
    if !dataset.assignment.contains(&Assignment::Logged) {
        dataset
            .columns
            .retain(|(name, _)| !(name.starts_with(PROPENSITY) || name.starts_with(EXPOSURE)));
    }
    dataset
}

/// Appends the rows of `more`, whose columns are the same.
pub(crate) fn extend(dataset: &mut Dataset, more: Dataset) {
    dataset.unit.extend(more.unit);
    dataset.t.extend(more.t);
    dataset.source.extend(more.source);
    dataset.assignment.extend(more.assignment);
    dataset.weight.extend(more.weight);
    for ((_, into), (_, from)) in dataset.columns.iter_mut().zip(more.columns) {
        match (into, from) {
            (Column::Number(into), Column::Number(from)) => into.extend(from),
            (Column::Text(into), Column::Text(from)) => into.extend(from),
            // Parts of one plan have the columns of one problem.
            _ => {}
        }
    }
}

/// The rows in another order.
pub(crate) fn permuted(mut dataset: Dataset, order: &[usize]) -> Dataset {
    let columns = dataset
        .columns
        .iter_mut()
        .map(|(name, column)| {
            let column = match column {
                Column::Number(values) => Column::Number(order.iter().map(|&row| values[row]).collect()),
                Column::Text(values) => Column::Text(order.iter().map(|&row| values[row].take()).collect()),
            };
            (std::mem::take(name), column)
        })
        .collect();
    Dataset {
        unit: order.iter().map(|&row| dataset.unit[row]).collect(),
        t: order.iter().map(|&row| dataset.t[row]).collect(),
        source: order
            .iter()
            .map(|&row| std::mem::take(&mut dataset.source[row]))
            .collect(),
        assignment: order.iter().map(|&row| dataset.assignment[row]).collect(),
        weight: order.iter().map(|&row| dataset.weight[row]).collect(),
        columns,
    }
}
