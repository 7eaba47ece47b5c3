//! A table in memory: named columns of text cells, asked as numbers, categories or text.

use std::collections::BTreeMap;

use crate::TableFault;

/// A table: named columns of text cells, one row a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Vec<Option<String>>>,
    pub(crate) lines: Vec<u64>,
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
        let numbers: Vec<Option<f64>> = cells.iter().map(|cell| parse_number(cell.as_deref())).collect();
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

    /// The numbers of a column in which every cell has one.
    ///
    /// # Errors
    /// As [`Table::numbers`]; the first missing cell.
    pub fn complete_numbers(&self, name: &str) -> Result<Vec<f64>, TableFault> {
        let numbers = self.numbers(name)?;
        match numbers.iter().position(|number| number.is_nan()) {
            None => Ok(numbers),
            Some(row) => Err(self.gap(row, name)),
        }
    }

    /// The cells of a column in which none is empty.
    ///
    /// # Errors
    /// An unknown column, the first empty cell.
    pub fn complete_cells(&self, name: &str) -> Result<&[Option<String>], TableFault> {
        let cells = self.cells(name)?;
        match cells.iter().position(Option::is_none) {
            None => Ok(cells),
            Some(row) => Err(self.gap(row, name)),
        }
    }

    /// The distinct cells of a column with their numbers of rows, in their order; empty cells left out.
    ///
    /// # Errors
    /// An unknown column.
    pub fn levels(&self, name: &str) -> Result<BTreeMap<&str, usize>, TableFault> {
        let mut levels = BTreeMap::new();
        for cell in self.cells(name)?.iter().flatten() {
            *levels.entry(cell.as_str()).or_default() += 1;
        }
        Ok(levels)
    }

    /// The cells of a column that must be there; an empty one is `None`.
    ///
    /// # Errors
    /// An unknown column.
    pub fn cells(&self, name: &str) -> Result<&[Option<String>], TableFault> {
        self.text(name).ok_or_else(|| {
            let fix = format!("the file has: {}", self.names.join(", "));
            TableFault::of_column(name, "the file has no such column", fix)
        })
    }

    /// The fault of a row that lacks its value.
    fn gap(&self, row: usize, name: &str) -> TableFault {
        TableFault {
            line: self.lines.get(row).copied(),
            column: name.to_owned(),
            problem: "is empty".to_owned(),
            fix: "leave out rows with missing values".to_owned(),
        }
    }

    /// A fault of the cell in `row`, with how many more there are of its kind.
    pub fn fault(&self, row: usize, name: &str, problem: &str, fix: &str, more: usize) -> TableFault {
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
pub fn parse_number(cell: Option<&str>) -> Option<f64> {
    match cell.map(str::trim) {
        None | Some("" | "NA" | "NaN" | "nan") => Some(f64::NAN),
        Some("true" | "True" | "TRUE") => Some(1.0),
        Some("false" | "False" | "FALSE") => Some(0.0),
        Some(text) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}
