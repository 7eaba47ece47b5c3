//! The treatment's column of a user's table: two or more named arms, or a dose. What is done with it is not here.

use ceteris_table::Table;

use crate::error::{StudyError, question};

/// Most arms: more distinct values are a mistake, or a dose.
const ARMS_MAX: usize = 20;

/// Arms by name.
#[derive(Debug)]
pub(crate) struct Arms {
    pub(crate) control: String,
    /// All but control.
    pub(crate) names: Vec<String>,
    /// Each row's arm: 0 is control, a the a-th name.
    pub(crate) of_row: Vec<usize>,
}

/// The treatment as the table has it.
#[derive(Debug)]
pub(crate) enum Treatment {
    Arms(Arms),
    Dose(Vec<f64>),
}

/// Arms where the values are 0 and 1, or where a control is named; a dose where they are other numbers.
pub(crate) fn read(table: &Table, column: &str, control: Option<&str>) -> Result<Treatment, StudyError> {
    if let Some(control) = control {
        return Ok(Treatment::Arms(arms(table, column, control)?));
    }
    filled(table, column)?;
    match table.numbers(column) {
        Err(_) => Err(question(format!(
            "--treatment {column}: its values are words; say which one is no treatment with --control"
        ))),
        Ok(numbers) if numbers.iter().all(|v| *v == 0.0 || *v == 1.0) => Ok(Treatment::Arms(Arms {
            control: "0".to_owned(),
            names: vec!["1".to_owned()],
            of_row: numbers.into_iter().map(|d| d as usize).collect(),
        })),
        Ok(dose) => Ok(Treatment::Dose(dose)),
    }
}

/// The values of a column as arms, one of them control.
pub(crate) fn arms(table: &Table, column: &str, control: &str) -> Result<Arms, StudyError> {
    let cells = filled(table, column)?;
    let same = |cell: &str| {
        cell == control
            || (cell.parse::<f64>().is_ok() && cell.parse::<f64>().ok() == control.parse::<f64>().ok())
    };
    let levels = table.levels(column)?;
    let names: Vec<String> = levels
        .keys()
        .filter(|level| !same(level))
        .map(|level| (*level).to_owned())
        .collect();
    if names.len() == levels.len() {
        let known: Vec<&str> = levels.keys().take(ARMS_MAX).copied().collect();
        return Err(question(format!(
            "--control {control}: column {column} has {}",
            known.join(", ")
        )));
    }
    if names.is_empty() || names.len() > ARMS_MAX {
        return Err(question(format!(
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
fn filled<'t>(table: &'t Table, column: &str) -> Result<&'t [Option<String>], StudyError> {
    if table.text(column).is_none() {
        let names = table.names().join(", ");
        return Err(question(format!("--treatment {column}: the file has: {names}")));
    }
    Ok(table.complete_cells(column)?)
}
