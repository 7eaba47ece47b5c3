//! What is wrong with a cell or a column: where, and how to mend it.

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
    /// A fault of a whole column.
    pub fn of_column(column: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        TableFault {
            line: None,
            column: column.to_owned(),
            problem: problem.into(),
            fix: fix.into(),
        }
    }
}
