//! Why a file is no table, and why a table could not be written.

use std::path::PathBuf;

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The name does not tell the form.
    #[error("{} is no form of table that is read; name it .csv, .csv.gz, .parquet or .jsonl", path.display())]
    UnknownForm {
        /// The file.
        path: PathBuf,
    },
    /// Reading stopped.
    #[error("cannot read on after line {line}; the file may be cut off or not be what its name says")]
    Read {
        /// The last line read.
        line: u64,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// A line that is no JSON object of plain values.
    #[error("line {line}: {problem}")]
    Json {
        /// The line.
        line: u64,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A Parquet file that cannot be read.
    #[error("the file is no Parquet that can be read here (uncompressed or Snappy)")]
    Parquet {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A Parquet column that is neither numbers nor text.
    #[error("column {column} is of type {kind}; cast it to a number, a truth value or text")]
    Kind {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// Cells that are not text.
    #[error("line {line} is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The line.
        line: u64,
    },
    /// A row has more or fewer cells than the header.
    #[error("line {line} has {found} cells where the header has {expected}; quote cells that hold a comma")]
    Ragged {
        /// The line.
        line: u64,
        /// Its cells.
        found: u64,
        /// Cells of the header.
        expected: u64,
    },
    /// No header.
    #[error("the file is empty; its first line must name the columns")]
    NoHeader,
    /// A column without a name, or with that of another.
    #[error(
        "column {position} is named `{name}`, which is empty or taken; give each column a name of its own"
    )]
    Name {
        /// Its position, from 1.
        position: usize,
        /// The name.
        name: String,
    },
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TableWriteError {
    /// The file cannot be made.
    #[error("cannot create {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Writing stopped; the file is not whole.
    #[error("cannot write the table")]
    Write {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TableWriteError {
    /// Writing stopped for this reason.
    pub(crate) fn write(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        TableWriteError::Write {
            source: source.into(),
        }
    }
}
