//! Dataset columns as the design that learners read.
//!
//! A missing number is replaced by its column's median and marked by a column of its own, so that rows stay and
//! missingness may matter; a missing category is a level of none.

use ceteris_contract::dataset::{Column, Dataset};
use ceteris_contract::manifest::FeatureSchema;
use ceteris_contract::problem::{Problem, View, ViewKind};
use ceteris_effect::Column as Kind;
use ceteris_estimate::learner::Design;

use crate::error::TrainError;

/// The design of these views, columns named after them; with `marked`, one more column for each view that has missing
/// numbers.
pub(crate) fn design(views: &[&View], data: &Dataset, marked: bool) -> Result<Design, TrainError> {
    let mut columns = Vec::with_capacity(views.len());
    let mut missing = Vec::new();
    for view in views {
        match column(view, data)? {
            Column::Number(values) => {
                let median = median(values);
                let filled = values
                    .iter()
                    .map(|x| if x.is_nan() { median } else { *x })
                    .collect();
                columns.push((Kind::numeric(&view.name), filled));
                if marked && values.iter().any(|x| x.is_nan()) {
                    let mark = values.iter().map(|x| f64::from(u8::from(x.is_nan()))).collect();
                    missing.push((Kind::numeric(marks(&view.name)), mark));
                }
            }
            Column::Text(values) => {
                let levels = levels(values);
                let position = |value: &Option<String>| {
                    let level = value.as_ref().and_then(|value| levels.binary_search(value).ok());
                    level.map_or(f64::NAN, |level| level as f64)
                };
                let positions = values.iter().map(position).collect();
                columns.push((Kind::categorical(&view.name, levels), positions));
            }
        }
    }
    columns.extend(missing);
    Ok(Design::from_columns(columns)?)
}

/// The name of the column that marks a view's missing numbers.
pub(crate) fn marks(view: &str) -> String {
    format!("{view} missing")
}

/// What a served model has to know of a view: its kind, and where training rows had it.
pub(crate) fn schema(view: &View, data: &Dataset) -> Result<FeatureSchema, TrainError> {
    let (range, levels) = match column(view, data)? {
        Column::Number(values) => {
            let seen = values.iter().filter(|x| !x.is_nan());
            let low = seen.clone().copied().fold(f64::INFINITY, f64::min);
            let high = seen.copied().fold(f64::NEG_INFINITY, f64::max);
            ((low <= high).then_some([low, high]), Vec::new())
        }
        Column::Text(values) => (None, levels(values)),
    };
    Ok(FeatureSchema {
        name: view.name.clone(),
        kind: view.kind,
        range,
        levels,
    })
}

fn column<'a>(view: &View, data: &'a Dataset) -> Result<&'a Column, TrainError> {
    let name = view.column();
    let column = data
        .column(&name)
        .ok_or_else(|| TrainError::MissingColumn { column: name.clone() })?;
    match (view.kind, column) {
        (ViewKind::Numeric, Column::Number(_)) | (ViewKind::Categorical, Column::Text(_)) => Ok(column),
        _ => Err(TrainError::ColumnKind { column: name }),
    }
}

fn levels(values: &[Option<String>]) -> Vec<String> {
    let mut levels: Vec<String> = values.iter().flatten().cloned().collect();
    levels.sort();
    levels.dedup();
    levels
}

/// The lower median of the values that are there; 0 where none is.
fn median(values: &[f64]) -> f64 {
    let mut seen: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    if seen.is_empty() {
        return 0.0;
    }
    let middle = (seen.len() - 1) / 2;
    *seen.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The views of the effect basis, in its order.
pub(crate) fn basis_views(problem: &Problem) -> Vec<&View> {
    problem
        .effect_basis
        .iter()
        .filter_map(|name| problem.view(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_skips_what_is_missing() {
        assert_eq!(median(&[3.0, f64::NAN, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 1.0);
        assert_eq!(median(&[f64::NAN]), 0.0);
    }

    #[test]
    fn levels_are_sorted_and_once() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(levels(&[some("b"), None, some("a"), some("b")]), ["a", "b"]);
    }
}
