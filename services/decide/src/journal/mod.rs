//! The decision journal: a record is in it before its reply leaves, and in the topic some time later.

mod forward;
mod hours;
mod spooled;

use std::path::Path;

use anyhow::{Context, Result};
use ceteris_journal::{
    Appended, CursorFile, Journal, JournalView, Options, SpoolOptions, SpoolWriter, SyncMode,
};

pub use forward::{Forwarder, TopicSink};
pub use spooled::{Spooled, SpooledFault, encode};

/// The folder of the segments, within the journal's folder.
const SEGMENTS: &str = "spool";
/// The file of the forwarder's place.
const CURSOR: &str = "cursor";
/// Segments small enough that what has been shipped is soon given back.
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// Takes decision records; each is durable before its reply.
#[derive(Debug)]
pub struct DecisionJournal {
    spool: SpoolWriter,
}

/// Opens the journal in `folder` and the forwarder's cursor beside it.
///
/// # Errors
/// A folder in use by another process, damaged segments, an unreadable cursor.
pub fn open(
    folder: &Path,
    bytes_max: u64,
    sync: SyncMode,
    options: SpoolOptions,
) -> Result<(DecisionJournal, CursorFile)> {
    std::fs::create_dir_all(folder).with_context(|| {
        format!(
            "cannot create the folder {} of the decision journal",
            folder.display()
        )
    })?;
    let limits = Options {
        sync,
        segment_bytes_max: SEGMENT_BYTES_MAX,
        bytes_max: Some(bytes_max),
    };
    let journal = Journal::open(folder.join(SEGMENTS), limits).context("cannot open the decision journal")?;
    if let Some(cut) = journal.cut() {
        tracing::info!(file = %cut.file.display(), cut.bytes, "cut an unfinished write, which was never acknowledged");
    }
    let cursor = CursorFile::open(folder.join(CURSOR), sync).context("cannot open the forwarder's cursor")?;
    let options = SpoolOptions {
        appenders_write: sync == SyncMode::Os,
        ..options
    };
    let spool = SpoolWriter::start(journal, options).context("cannot start the decision journal")?;
    Ok((DecisionJournal { spool }, cursor))
}

/// Shows `take` the decisions in the journal of `folder` that have not reached the topic yet, oldest first, as far as the
/// cursor tells: the last ones shipped may be among them. Reads beside a running service and changes nothing.
///
/// # Errors
/// Damaged segments or cursor, and those of `take`.
pub fn pending(folder: &Path, mut take: impl FnMut(Spooled<'_>) -> Result<()>) -> Result<()> {
    if !folder.join(SEGMENTS).is_dir() {
        return Ok(());
    }
    // The cursor first: shipped records may still be there, but none that is not shipped can be missed.
    let next = CursorFile::open(folder.join(CURSOR), SyncMode::Os)?
        .get()
        .unwrap_or(0);
    let view = Journal::peek(folder.join(SEGMENTS))?;
    let mut reader = view.reader(next.max(view.first_offset()).min(view.end_offset()));
    loop {
        let entries = reader.read(1000, 4 << 20)?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            take(Spooled::decode(&entry.payload)?)?;
        }
    }
}

impl DecisionJournal {
    /// Queues one encoded record at once; it is durable when the answer has resolved. An answer that is an error means
    /// that nothing was logged, so nothing may be answered.
    pub fn append(&self, record: Vec<u8>) -> Appended {
        self.spool.append(record)
    }

    /// The journal for readers, retention and figures.
    pub fn view(&self) -> &JournalView {
        self.spool.view()
    }
}
