//! From a table with one row per unit to a dataset, as the problem reads its columns.

use std::collections::BTreeMap;

use ceteris_contract::dataset::{Assignment, Column, Dataset};
use ceteris_contract::identity::UnitKey;
use ceteris_contract::problem::{
    NodeRole, OutcomeSource, Problem, Source, Treatment, TreatmentSource, View, ViewKind, ViewSource,
};
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_table::{Table, TableFault, parse_number};
use sha2::{Digest, Sha256};

/// Reads a table with one row per unit as the problem says: `confounder_*` and `instrument_*` columns in the order of
/// the views, then `treatment_*`, `outcome_*` and `mediator_*`. Rows come in the dataset's own order, not the file's.
///
/// Every row weighs 1, is observed and stands at the epoch. A unit is the hash of its id, or of its row number where
/// the problem names no unit column. A missing covariate takes the view's default, and stays missing where that is
/// null; a missing treatment or outcome is a fault, for no estimate could use the row.
///
/// # Errors
/// All faults, one a column: absent columns, cells of the wrong kind, values that are no arm, units that repeat.
pub fn dataset_from_table(problem: &Problem, table: &Table) -> Result<Dataset, Vec<TableFault>> {
    let Source::Table { unit } = &problem.source else {
        let fix = format!(
            "train `{}` from its event log, or give the problem `source: table`",
            problem.name
        );
        return Err(vec![TableFault::of_column(
            "*",
            "the problem reads events, not a table",
            fix,
        )]);
    };
    if table.is_empty() {
        return Err(vec![TableFault::of_column(
            "*",
            "the file has no rows",
            "add a row per unit below the header",
        )]);
    }
    let mut faults = Vec::new();
    let mut keep = |read: Result<(String, Column), TableFault>| match read {
        Ok(column) => Some(column),
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    let (after, before): (Vec<&View>, Vec<&View>) = problem
        .features
        .iter()
        .partition(|view| view.role == NodeRole::Mediator);
    let mut columns: Vec<Option<(String, Column)>> = Vec::new();
    columns.extend(before.into_iter().map(|view| keep(view_column(view, table))));
    columns.extend(
        problem
            .treatments
            .iter()
            .map(|treatment| keep(treatment_column(treatment, table))),
    );
    columns.extend(problem.outcomes.iter().map(|outcome| {
        let OutcomeSource::Column { column } = &outcome.from else {
            return None;
        };
        keep(outcome_column(outcome.column(), column, table))
    }));
    columns.extend(after.into_iter().map(|view| keep(view_column(view, table))));
    let units = units(unit.as_deref(), table)
        .map_err(|fault| faults.push(fault))
        .unwrap_or_default();
    if !faults.is_empty() {
        return Err(faults);
    }
    let rows = table.len();
    let dataset = Dataset {
        // With an id of the file's own, neither the id nor the row's place is kept.
        source: match unit {
            Some(_) => units.iter().map(UnitKey::to_hex).collect(),
            None => (1..=rows).map(|row| row.to_string()).collect(),
        },
        unit: units,
        t: vec![Timestamp(0); rows],
        assignment: vec![Assignment::Observed; rows],
        weight: vec![1.0; rows],
        columns: columns.into_iter().flatten().collect(),
    };
    let order = dataset.canonical_order();
    Ok(dataset.select(&order))
}

/// The key of the unit that a table names `id`: the first 128 bits of a SHA-256. A table's ids need no secret: the
/// file beside the model holds them anyhow.
pub fn unit_of_row(id: &str) -> UnitKey {
    let digest = Sha256::new()
        .chain_update(b"ceteris-table-unit-1")
        .chain_update(id.as_bytes())
        .finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    UnitKey(key)
}

fn units(column: Option<&str>, table: &Table) -> Result<Vec<UnitKey>, TableFault> {
    let Some(column) = column else {
        return Ok((1..=table.len())
            .map(|row| unit_of_row(&row.to_string()))
            .collect());
    };
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut keys = Vec::with_capacity(table.len());
    for (row, cell) in table.cells(column)?.iter().enumerate() {
        let Some(id) = cell.as_deref() else {
            return Err(table.fault(
                row,
                column,
                "names no unit",
                "give every row the id of its unit",
                0,
            ));
        };
        if let Some(before) = first.insert(id, row) {
            let problem = format!("stands on line {} already", table.lines()[before]);
            return Err(table.fault(row, column, &problem, "keep one row per unit", 0));
        }
        keys.push(unit_of_row(id));
    }
    Ok(keys)
}

fn view_column(view: &View, table: &Table) -> Result<(String, Column), TableFault> {
    let ViewSource::Column { column } = &view.from else {
        return Err(TableFault::of_column(
            &view.name,
            "the view reads events",
            "name its `column` in the problem file",
        ));
    };
    let values = match view.kind {
        ViewKind::Numeric => {
            let mut numbers = table.numbers(column)?;
            if let Value::Number(default) = view.default {
                numbers
                    .iter_mut()
                    .filter(|n| n.is_nan())
                    .for_each(|n| *n = default);
            }
            Column::Number(numbers)
        }
        ViewKind::Categorical => {
            let default = view.default.as_category();
            let cells = table.cells(column)?.iter();
            Column::Text(
                cells
                    .map(|cell| cell.clone().or_else(|| default.clone()))
                    .collect(),
            )
        }
    };
    Ok((view.column(), values))
}

fn outcome_column(name: String, column: &str, table: &Table) -> Result<(String, Column), TableFault> {
    let numbers = table.numbers(column)?;
    let mut missing = numbers
        .iter()
        .enumerate()
        .filter(|(_, n)| n.is_nan())
        .map(|(row, _)| row);
    match missing.next() {
        None => Ok((name, Column::Number(numbers))),
        Some(row) => {
            let fix = "give the row its outcome, or leave the row out: not known is not 0";
            Err(table.fault(row, column, "is no outcome", fix, missing.count()))
        }
    }
}

/// The arm of each row, missing for control.
fn treatment_column(treatment: &Treatment, table: &Table) -> Result<(String, Column), TableFault> {
    let TreatmentSource::Column { column, control } = &treatment.from else {
        return Err(TableFault::of_column(
            &treatment.name,
            "the treatment reads events",
            "name its `column` in the problem file",
        ));
    };
    let cells = table.cells(column)?;
    let arm_of = |cell: &Option<String>| -> Option<Option<String>> {
        let shown = cell.as_deref().unwrap_or("");
        if shows(control, shown) {
            return Some(None);
        }
        treatment
            .arms
            .iter()
            .find(|arm| arm.dose.as_ref().is_some_and(|dose| shows(dose, shown)))
            .map(|arm| Some(arm.id.clone()))
    };
    let arms: Vec<Option<Option<String>>> = cells.iter().map(arm_of).collect();
    let mut unknown = arms
        .iter()
        .enumerate()
        .filter(|(_, arm)| arm.is_none())
        .map(|(row, _)| row);
    match unknown.next() {
        None => Ok((
            treatment.column(),
            Column::Text(arms.into_iter().flatten().collect()),
        )),
        Some(row) => {
            let known =
                std::iter::once(control).chain(treatment.arms.iter().filter_map(|arm| arm.dose.as_ref()));
            let known: Vec<String> = known
                .filter_map(Value::as_category)
                .map(|text| format!("`{text}`"))
                .collect();
            let fix = format!(
                "the problem knows {}; name the value as an arm or leave the row out",
                known.join(", ")
            );
            Err(table.fault(
                row,
                column,
                "is neither control nor an arm",
                &fix,
                unknown.count(),
            ))
        }
    }
}

/// Whether a cell shows a value: as text, or as the same number (`5` and `5.0`).
fn shows(value: &Value, cell: &str) -> bool {
    match value {
        Value::Text(text) => text == cell,
        Value::Number(number) => cell.trim().parse::<f64>() == Ok(*number),
        Value::Bool(flag) => parse_number(Some(cell)) == Some(f64::from(u8::from(*flag))),
        Value::Null => cell.is_empty(),
    }
}
