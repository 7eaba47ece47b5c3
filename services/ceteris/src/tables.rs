//! Studies and tables on the command line: what a study refuses, and the file that `--out` names.

use std::path::Path;

use ceteris_study::StudyError;
use ceteris_table::{Column, FileFormat, TableWriteError, TableWriter};
use ceteris_terminal::bad_input;

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
