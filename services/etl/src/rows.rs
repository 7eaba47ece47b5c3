//! Rows on their way into a dataset.

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::problem::ViewKind;
use ceteris_contract::value::Value;
use ceteris_features::ViewValue;

use crate::judge::Opportunity;
use crate::spec::Spec;

/// A dataset without rows: views, treatments, outcomes, mediators, each in file order.
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
    Dataset {
        columns,
        ..Dataset::default()
    }
}

/// Adds a row to a dataset that [`empty`] made.
pub(crate) fn push(
    dataset: &mut Dataset,
    opportunity: &Opportunity<'_>,
    arms: &[Option<&str>],
    weight: f64,
    vector: Vec<ViewValue>,
    after: Vec<Value>,
) {
    dataset.unit.push(opportunity.event.unit.key);
    dataset.t.push(opportunity.event.ts);
    dataset.source.push(opportunity.event.event_id.clone());
    dataset.assignment.push(Assignment::Observed);
    dataset.weight.push(weight);
    let arms = arms.iter().map(|arm| arm.map_or(Value::Null, Value::from));
    let values = vector.into_iter().map(|view| view.value).chain(arms).chain(after);
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
