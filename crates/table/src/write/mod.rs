//! A table that is written row by row, in the format its name asks for: csv, csv.gz, Parquet or JSON lines.

mod parquet;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};

use self::parquet::RowGroups;
use crate::{FileFormat, TableWriteError};

/// What a column holds, for formats that have types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Doubles.
    Number,
    /// True or false.
    Boolean,
    /// Text.
    Text,
}

/// A column that is written: its name and what it holds.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

impl Column {
    /// A column of this name and kind.
    pub fn new(name: impl Into<String>, kind: ColumnKind) -> Self {
        Column {
            name: name.into(),
            kind,
        }
    }
}

/// A file in the making. Without [`TableWriter::finish`] it is not whole.
pub struct TableWriter {
    columns: Vec<Column>,
    out: Out,
}

enum Out {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    CsvGz(Box<csv::Writer<GzEncoder<BufWriter<File>>>>),
    Parquet(Box<RowGroups>),
    Jsonl(BufWriter<File>),
}

impl TableWriter {
    /// Creates the file, or empties the one that is there, and writes what comes before the rows.
    ///
    /// # Errors
    /// A file that cannot be created or written.
    pub fn create(path: &Path, format: FileFormat, columns: Vec<Column>) -> Result<Self, TableWriteError> {
        let file = File::create(path).map_err(|source| TableWriteError::Create {
            path: path.to_owned(),
            source,
        })?;
        let file = BufWriter::new(file);
        let out = match format {
            FileFormat::Csv => Out::Csv(Box::new(with_header(file, &columns)?)),
            FileFormat::CsvGz => {
                let zipped = GzEncoder::new(file, Compression::default());
                Out::CsvGz(Box::new(with_header(zipped, &columns)?))
            }
            FileFormat::Parquet => Out::Parquet(Box::new(RowGroups::create(file, &columns)?)),
            FileFormat::Jsonl => Out::Jsonl(file),
        };
        Ok(TableWriter { columns, out })
    }

    /// Writes a row: a value a column, null where there is none.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn row(&mut self, values: Vec<Value>) -> Result<(), TableWriteError> {
        match &mut self.out {
            Out::Csv(writer) => writer
                .write_record(values.iter().map(cell))
                .map_err(TableWriteError::write),
            Out::CsvGz(writer) => writer
                .write_record(values.iter().map(cell))
                .map_err(TableWriteError::write),
            Out::Parquet(groups) => groups.row(values),
            Out::Jsonl(out) => {
                let names = self.columns.iter().map(|column| column.name.clone());
                let row: Map<String, Value> = names.zip(values).collect();
                serde_json::to_writer(&mut *out, &row).map_err(TableWriteError::write)?;
                out.write_all(b"\n").map_err(TableWriteError::write)
            }
        }
    }

    /// Writes what is left; without it the file is not whole.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(self) -> Result<(), TableWriteError> {
        match self.out {
            Out::Csv(mut writer) => writer.flush().map_err(TableWriteError::write),
            Out::CsvGz(writer) => {
                let zipped = writer.into_inner().map_err(|error| error.into_error());
                let finished = zipped.and_then(GzEncoder::finish);
                finished
                    .and_then(|mut file| file.flush())
                    .map_err(TableWriteError::write)
            }
            Out::Parquet(groups) => groups.finish(),
            Out::Jsonl(mut out) => out.flush().map_err(TableWriteError::write),
        }
    }
}

fn with_header<W: Write>(out: W, columns: &[Column]) -> Result<csv::Writer<W>, TableWriteError> {
    let mut writer = csv::Writer::from_writer(out);
    writer
        .write_record(columns.iter().map(|column| &column.name))
        .map_err(TableWriteError::write)?;
    Ok(writer)
}

/// A value as a cell of text, empty where there is none.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
