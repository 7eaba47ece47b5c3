//! Tables of a user's own: csv, csv.gz, parquet and jsonl in memory, cell by cell as text, with every complaint naming
//! line, column and fix. What a table means to a problem is in [`dataset_from_table`].

mod dataset;
mod jsonl;
mod parquet;
mod read;

use std::collections::BTreeMap;

pub use dataset::{dataset_from_table, unit_of_row};
pub use read::TableError;

/// A table: named columns of text cells, one row a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Vec<Option<String>>>,
    lines: Vec<u64>,
}

/// A cell or column that cannot be used: where, what is wrong, what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TableFault {
    /// The line of the file, counted from 1 with the header on line 1; none where the whole column is meant.
    pub line: Option<u64>,
    /// The column.
    pub column: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub fix: String,
}

impl std::fmt::Display for TableFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "column {}: {}; {}", self.column, self.problem, self.fix)
    }
}

impl TableFault {
    fn column(column: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        TableFault {
            line: None,
            column: column.to_owned(),
            problem: problem.into(),
            fix: fix.into(),
        }
    }
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Column names in the file's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The line of the file on which each row begins; in a Parquet file the row's number, from 1.
    pub fn lines(&self) -> &[u64] {
        &self.lines
    }

    /// The cells of a column as they stand in the file; an empty cell is `None`.
    pub fn text(&self, name: &str) -> Option<&[Option<String>]> {
        let at = self.names.iter().position(|n| n == name)?;
        self.columns.get(at).map(Vec::as_slice)
    }

    /// The numbers of a column. Empty cells, `NA` and `NaN` are missing (NaN); `true` and `false` are 1 and 0.
    ///
    /// # Errors
    /// An unknown column, or the first cell that is no finite number, with the number of further ones.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, TableFault> {
        let cells = self.cells(name)?;
        let numbers: Vec<Option<f64>> = cells.iter().map(|cell| number_of(cell.as_deref())).collect();
        let mut bad = numbers
            .iter()
            .enumerate()
            .filter(|(_, n)| n.is_none())
            .map(|(row, _)| row);
        match bad.next() {
            None => Ok(numbers.into_iter().flatten().collect()),
            Some(row) => {
                let fix = "write a number with a decimal point, or leave the cell empty where it is missing";
                Err(self.fault(row, name, "is no finite number", fix, bad.count()))
            }
        }
    }

    /// The distinct cells of a column with their numbers of rows, in their order; empty cells left out.
    pub fn levels(&self, name: &str) -> Result<BTreeMap<&str, usize>, TableFault> {
        let mut levels = BTreeMap::new();
        for cell in self.cells(name)?.iter().flatten() {
            *levels.entry(cell.as_str()).or_default() += 1;
        }
        Ok(levels)
    }

    /// The cells of a column that must be there.
    fn cells(&self, name: &str) -> Result<&[Option<String>], TableFault> {
        self.text(name).ok_or_else(|| {
            let fix = format!("the file has: {}", self.names.join(", "));
            TableFault::column(name, "the file has no such column", fix)
        })
    }

    /// A fault of the cell in `row`, with how many more there are of its kind.
    fn fault(&self, row: usize, name: &str, problem: &str, fix: &str, more: usize) -> TableFault {
        let cell = self.text(name).and_then(|cells| cells.get(row)?.as_deref());
        let shown = match cell {
            None => "the empty cell".to_owned(),
            Some(text) => format!("`{}`", text.chars().take(40).collect::<String>()),
        };
        let more = if more == 0 {
            String::new()
        } else {
            format!(" (and {more} more rows)")
        };
        TableFault {
            line: self.lines.get(row).copied(),
            column: name.to_owned(),
            problem: format!("{shown} {problem}{more}"),
            fix: fix.to_owned(),
        }
    }
}

/// The number a cell stands for, NaN where it is missing, `None` where it is none.
fn number_of(cell: Option<&str>) -> Option<f64> {
    match cell.map(str::trim) {
        None | Some("" | "NA" | "NaN" | "nan") => Some(f64::NAN),
        Some("true" | "True" | "TRUE") => Some(1.0),
        Some("false" | "False" | "FALSE") => Some(0.0),
        Some(text) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}
