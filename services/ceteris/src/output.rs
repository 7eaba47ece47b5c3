//! What a verb ends with: one document on stdout, or one clear sentence on stderr.

use std::io::Write;
use std::path::Path;

use ceteris_study::StudyError;
use ceteris_table::{Column, FileFormat, TableWriteError, TableWriter};
use serde::Serialize;

use crate::cli::Format;

/// The user's input is at fault: exit 2.
#[derive(Debug)]
pub(crate) struct BadInput(pub(crate) String);

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// An error that exits with 2.
pub(crate) fn bad_input(sentence: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(BadInput(sentence.into()))
}

/// What a study refuses is about the question or the data: the whole chain of causes says which.
pub(crate) fn refused(error: StudyError) -> anyhow::Error {
    bad_input(format!("{:#}", anyhow::Error::new(error)))
}

/// The format that the name of `--out` asks for.
pub(crate) fn out_format(path: &Path) -> anyhow::Result<FileFormat> {
    FileFormat::of(path).ok_or_else(|| {
        bad_input(format!(
            "--out {}: end it with .csv, .csv.gz, .parquet or .jsonl",
            path.display()
        ))
    })
}

/// The table that `--out` names.
pub(crate) fn create_table(
    path: &Path,
    format: FileFormat,
    columns: Vec<Column>,
) -> anyhow::Result<TableWriter> {
    TableWriter::create(path, format, columns).map_err(|error| match error {
        TableWriteError::Create { source, .. } => bad_input(format!("--out {}: {source}", path.display())),
        other => other.into(),
    })
}

/// Puts the result on stdout: the document itself, or its text for people.
pub(crate) fn print<T: Serialize>(
    format: Format,
    document: &T,
    text: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let body = match format {
        Format::Json => serde_json::to_string(document)?,
        Format::Text => text(),
    };
    match writeln!(out, "{}", body.trim_end()).and_then(|()| out.flush()) {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
