//! From a file to a table. The format is told by the file's name; csv is read here, the others in files of their own.

mod jsonl;
mod parquet;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::{FileFormat, Table, TableError};

impl Table {
    /// Reads a table of the format that its name tells.
    ///
    /// `.csv` and `.csv.gz`: comma, quotes as in RFC 4180, the first line names the columns. `.parquet`: columns of
    /// numbers, truth values and text. `.jsonl`: an object of plain values on each line; a name that a line leaves out is
    /// an empty cell.
    ///
    /// # Errors
    /// A file that cannot be opened or is of another format, is cut off, is not UTF-8, or has rows of several widths.
    pub fn read(path: &Path) -> Result<Table, TableError> {
        let open = || {
            let file = File::open(path).map_err(|source| TableError::Open {
                path: path.to_owned(),
                source,
            })?;
            Ok(BufReader::with_capacity(1 << 16, file))
        };
        match FileFormat::of(path) {
            Some(FileFormat::Csv) => Table::from_csv(open()?),
            Some(FileFormat::CsvGz) => Table::from_csv(MultiGzDecoder::new(open()?)),
            Some(FileFormat::Jsonl) => Table::from_jsonl(open()?),
            Some(FileFormat::Parquet) => Table::from_parquet(open()?.into_inner()),
            None => Err(TableError::UnknownForm {
                path: path.to_owned(),
            }),
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

fn check_names(names: &[String]) -> Result<(), TableError> {
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
