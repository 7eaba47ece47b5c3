//! The result of a program: one document on stdout.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values say it, and every --help would repeat it")]
pub enum Format {
    Json,
    Text,
}

/// Puts the result on stdout: the document itself, or its text for people.
///
/// # Errors
/// Where the document cannot be written as JSON, or stdout cannot be written to. A reader that has closed it has seen
/// enough and is no error.
pub fn print<T: Serialize>(
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
