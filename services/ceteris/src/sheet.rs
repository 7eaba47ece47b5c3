//! A table that a verb writes, row by row, in the form its name asks for: csv, csv.gz, parquet or jsonl.

mod parquet;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};

use self::parquet::Groups;
use crate::output::bad_input;

/// The forms, by the end of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    CsvGz,
    Parquet,
    Jsonl,
}

impl Form {
    /// The form that the name of `--out` asks for.
    pub(crate) fn of(path: &Path) -> anyhow::Result<Form> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        [
            (".csv", Form::Csv),
            (".csv.gz", Form::CsvGz),
            (".parquet", Form::Parquet),
            (".jsonl", Form::Jsonl),
        ]
        .into_iter()
        .find_map(|(end, form)| name.ends_with(end).then_some(form))
        .ok_or_else(|| {
            bad_input(format!(
                "--out {}: end it with .csv, .csv.gz, .parquet or .jsonl",
                path.display()
            ))
        })
    }
}

/// What a column holds, for forms that have types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Truth,
    Text,
}

/// A column's name and kind.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, kind: Kind) -> Self {
        Column {
            name: name.into(),
            kind,
        }
    }
}

/// The file that is written.
pub(crate) struct Sheet {
    columns: Vec<Column>,
    out: Out,
}

enum Out {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    CsvGz(Box<csv::Writer<GzEncoder<BufWriter<File>>>>),
    Parquet(Box<Groups>),
    Jsonl(BufWriter<File>),
}

impl Sheet {
    pub(crate) fn create(path: &Path, form: Form, columns: Vec<Column>) -> anyhow::Result<Sheet> {
        let file =
            File::create(path).map_err(|error| bad_input(format!("--out {}: {error}", path.display())))?;
        let file = BufWriter::new(file);
        let out = match form {
            Form::Csv => Out::Csv(Box::new(with_header(file, &columns)?)),
            Form::CsvGz => {
                let zipped = GzEncoder::new(file, Compression::default());
                Out::CsvGz(Box::new(with_header(zipped, &columns)?))
            }
            Form::Parquet => Out::Parquet(Box::new(Groups::create(file, &columns)?)),
            Form::Jsonl => Out::Jsonl(file),
        };
        Ok(Sheet { columns, out })
    }

    /// Writes a row: a value a column, null where there is none.
    pub(crate) fn row(&mut self, values: Vec<Value>) -> anyhow::Result<()> {
        match &mut self.out {
            Out::Csv(writer) => writer.write_record(values.iter().map(cell)).context("write"),
            Out::CsvGz(writer) => writer.write_record(values.iter().map(cell)).context("write"),
            Out::Parquet(groups) => groups.row(values),
            Out::Jsonl(out) => {
                let names = self.columns.iter().map(|column| column.name.clone());
                let row: Map<String, Value> = names.zip(values).collect();
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n").context("write")
            }
        }
    }

    /// Writes what is left; without it the file is no whole one.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self.out {
            Out::Csv(mut writer) => writer.flush().context("write"),
            Out::CsvGz(writer) => {
                let zipped = writer.into_inner().map_err(|error| error.into_error());
                let finished = zipped.and_then(GzEncoder::finish);
                finished.and_then(|mut file| file.flush()).context("write")
            }
            Out::Parquet(groups) => groups.finish(),
            Out::Jsonl(mut out) => out.flush().context("write"),
        }
    }
}

fn with_header<W: Write>(out: W, columns: &[Column]) -> anyhow::Result<csv::Writer<W>> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(columns.iter().map(|column| &column.name))?;
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
