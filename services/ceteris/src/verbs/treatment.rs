//! The treatment's column of a user's table: two or more named arms, or a dose. What is done with it is not here.

use ceteris_table::Table;

use crate::output::bad_input;

/// Most arms: more distinct values are a mistake, or a dose.
const ARMS_MAX: usize = 20;

/// Arms by name.
pub(crate) struct Arms {
    pub(crate) control: String,
    /// All but control.
    pub(crate) names: Vec<String>,
    /// Each row's arm: 0 is control, a the a-th name.
    pub(crate) of_row: Vec<usize>,
}

/// The treatment as the file has it.
pub(crate) enum Had {
    Arms(Arms),
    Dose(Vec<f64>),
}

/// Arms where the values are 0 and 1, or where a control is named; a dose where they are other numbers.
pub(crate) fn had(table: &Table, column: &str, control: Option<&str>) -> anyhow::Result<Had> {
    if let Some(control) = control {
        return Ok(Had::Arms(arms(table, column, control)?));
    }
    filled(table, column)?;
    match table.numbers(column) {
        Err(_) => Err(bad_input(format!(
            "--treatment {column}: its values are words; say which one is no treatment with --control"
        ))),
        Ok(numbers) if numbers.iter().all(|v| *v == 0.0 || *v == 1.0) => Ok(Had::Arms(Arms {
            control: "0".to_owned(),
            names: vec!["1".to_owned()],
            of_row: numbers.into_iter().map(|d| d as usize).collect(),
        })),
        Ok(dose) => Ok(Had::Dose(dose)),
    }
}

/// The values of a column as arms, one of them control.
pub(crate) fn arms(table: &Table, column: &str, control: &str) -> anyhow::Result<Arms> {
    let cells = filled(table, column)?;
    let same = |cell: &str| {
        cell == control
            || (cell.parse::<f64>().is_ok() && cell.parse::<f64>().ok() == control.parse::<f64>().ok())
    };
    let levels = table
        .levels(column)
        .map_err(|fault| bad_input(fault.to_string()))?;
    let names: Vec<String> = levels
        .keys()
        .filter(|level| !same(level))
        .map(|level| (*level).to_owned())
        .collect();
    if names.len() == levels.len() {
        let known: Vec<&str> = levels.keys().take(ARMS_MAX).copied().collect();
        return Err(bad_input(format!(
            "--control {control}: column {column} has {}",
            known.join(", ")
        )));
    }
    if names.is_empty() || names.len() > ARMS_MAX {
        return Err(bad_input(format!(
            "--treatment {column}: {} arms beside control; give from 1 to {ARMS_MAX}, or leave --control out for a dose",
            names.len()
        )));
    }
    let of_row = cells
        .iter()
        .map(|cell| {
            names
                .iter()
                .position(|name| Some(name) == cell.as_ref())
                .map_or(0, |arm| arm + 1)
        })
        .collect();
    Ok(Arms {
        control: control.to_owned(),
        names,
        of_row,
    })
}

/// The column's cells, none of them empty.
fn filled<'t>(table: &'t Table, column: &str) -> anyhow::Result<&'t [Option<String>]> {
    let cells = table.text(column).ok_or_else(|| {
        bad_input(format!(
            "--treatment {column}: the file has: {}",
            table.names().join(", ")
        ))
    })?;
    match cells.iter().position(Option::is_none) {
        None => Ok(cells),
        Some(row) => {
            let line = table.lines()[row];
            Err(bad_input(format!(
                "line {line}, column {column}: is empty; leave out rows with missing values"
            )))
        }
    }
}
