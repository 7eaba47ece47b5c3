//! What a verb ends with: one document on stdout, or one clear sentence on stderr.

use std::io::Write;

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
