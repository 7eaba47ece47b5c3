//! From a file to a table. The form is told by the file's name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::Table;

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

impl Table {
    /// Reads a table of the form that its extension tells.
    ///
    /// `.csv` and `.csv.gz`: comma, quotes as in RFC 4180, the first line names the columns. `.parquet`: columns of
    /// numbers, truth values and text. `.jsonl`: an object of plain values on each line; a name that a line leaves out is
    /// an empty cell.
    ///
    /// # Errors
    /// A file that cannot be opened or is of another form, is cut off, is not UTF-8, or has rows of several widths.
    pub fn read(path: &Path) -> Result<Table, TableError> {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let open = || {
            let file = File::open(path).map_err(|source| TableError::Open {
                path: path.to_owned(),
                source,
            })?;
            Ok(BufReader::with_capacity(1 << 16, file))
        };
        if name.ends_with(".csv.gz") {
            Table::from_csv(MultiGzDecoder::new(open()?))
        } else if name.ends_with(".csv") {
            Table::from_csv(open()?)
        } else if name.ends_with(".jsonl") {
            Table::from_jsonl(open()?)
        } else if name.ends_with(".parquet") {
            Table::from_parquet(open()?.into_inner())
        } else {
            Err(TableError::UnknownForm {
                path: path.to_owned(),
            })
        }
    }

    /// Reads csv text.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn from_csv(reader: impl Read) -> Result<Table, TableError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(reader);
        let header = reader.headers().map_err(|error| explain(error, 0))?.clone();
        let names: Vec<String> = header
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
            .collect();
        check_names(&names)?;
        let mut table = Table {
            columns: vec![Vec::new(); names.len()],
            names,
            lines: Vec::new(),
        };
        let mut record = csv::StringRecord::new();
        loop {
            let before = reader.position().line();
            if !reader
                .read_record(&mut record)
                .map_err(|error| explain(error, before))?
            {
                return Ok(table);
            }
            table
                .lines
                .push(record.position().map_or(before, csv::Position::line));
            for (column, cell) in table.columns.iter_mut().zip(&record) {
                column.push((!cell.is_empty()).then(|| cell.to_owned()));
            }
        }
    }
}

pub(super) fn check_names(names: &[String]) -> Result<(), TableError> {
    if names.is_empty() {
        return Err(TableError::NoHeader);
    }
    let mut seen = BTreeSet::new();
    match names
        .iter()
        .position(|name| name.is_empty() || !seen.insert(name))
    {
        None => Ok(()),
        Some(at) => Err(TableError::Name {
            position: at + 1,
            name: names[at].clone(),
        }),
    }
}

fn explain(error: csv::Error, before: u64) -> TableError {
    let at = |pos: &Option<csv::Position>| pos.as_ref().map_or(before, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => TableError::NotUtf8 { line: at(pos) },
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => TableError::Ragged {
            line: at(pos),
            found: *len,
            expected: *expected_len,
        },
        _ => TableError::Read {
            line: before,
            source: error,
        },
    }
}
