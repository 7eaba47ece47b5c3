//! One segment: its name, how much of it is committed, and a sparse index of where its batches begin.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::JournalError;
use crate::frames::{Frames, Step};

/// Distance of two index entries, at least: what a seek reads in vain, at most (and a batch).
const INDEX_STRIDE_BYTES: u64 = 64 << 10;

const EXTENSION: &str = "seg";

/// What is known of a segment. Shared by the writer, which publishes, and the readers, which look no further than
/// what is published.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base: u64,
    pub(crate) path: PathBuf,
    bytes: AtomicU64,
    sealed: AtomicBool,
    /// `(offset, position)` of some batches, both ascending.
    index: Mutex<Vec<(u64, u64)>>,
}

impl Segment {
    pub(crate) fn new(folder: &Path, base: u64, bytes: u64, sealed: bool) -> Segment {
        Segment {
            base,
            path: path_of(folder, base),
            bytes: AtomicU64::new(bytes),
            sealed: AtomicBool::new(sealed),
            index: Mutex::new(vec![(base, 0)]),
        }
    }

    /// Bytes that readers may look at.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Lets readers see up to `bytes`.
    pub(crate) fn publish(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// Whether nothing more will be written to it.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    pub(crate) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    /// Remembers that the batch at `position` begins with `offset`, if no entry is near. Callers walk batch by batch
    /// from an entry, so entries are never further apart than a stride and a batch.
    pub(crate) fn note(&self, offset: u64, position: u64) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index
            .last()
            .is_none_or(|&(_, last)| position >= last + INDEX_STRIDE_BYTES)
        {
            index.push((offset, position));
        }
    }

    /// The last known batch start at or before `offset`.
    pub(crate) fn start_for(&self, offset: u64) -> (u64, u64) {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let after = index.partition_point(|&(known, _)| known <= offset);
        after.checked_sub(1).map_or((self.base, 0), |at| index[at])
    }

    /// Walks the segment from its beginning to the first bytes that are no sound batch.
    pub(crate) fn scan(&self) -> Result<Scan, JournalError> {
        let file = File::open(&self.path).map_err(JournalError::io("open", &self.path))?;
        let limit = self.bytes();
        let mut frames = Frames::new(file, 0);
        let mut end = self.base;
        loop {
            match frames.step(limit).map_err(JournalError::io("read", &self.path))? {
                Step::Batch { header, position, .. } if header.base == end => {
                    self.note(end, position);
                    end += u64::from(header.count);
                }
                Step::End => {
                    return Ok(Scan {
                        end,
                        bytes: limit,
                        followed: false,
                    });
                }
                Step::Batch { position, .. } => {
                    return Ok(Scan {
                        end,
                        bytes: position,
                        followed: true,
                    });
                }
                Step::Bad => {
                    let followed = frames
                        .sound_batch_follows(limit, end)
                        .map_err(JournalError::io("read", &self.path))?;
                    return Ok(Scan {
                        end,
                        bytes: frames.position(),
                        followed,
                    });
                }
            }
        }
    }
}

/// What a walk through a segment found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    /// Offset after the last sound batch.
    pub(crate) end: u64,
    /// Bytes up to there.
    pub(crate) bytes: u64,
    /// Whether a sound batch lies beyond the first unsound bytes: damage, not a torn tail.
    pub(crate) followed: bool,
}

/// The file that begins with offset `base`; names sort as offsets do.
pub(crate) fn path_of(folder: &Path, base: u64) -> PathBuf {
    folder.join(format!("{base:020}.{EXTENSION}"))
}

/// First offsets and sizes of the segment files in `folder`, ascending. Other files are left alone.
pub(crate) fn list(folder: &Path) -> Result<Vec<(u64, u64)>, JournalError> {
    let failed = |source| JournalError::io("list", folder)(source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let base = stem
            .filter(|stem| stem.len() == 20)
            .and_then(|stem| stem.parse::<u64>().ok());
        if let Some(base) = base {
            found.push((
                base,
                entry
                    .metadata()
                    .map_err(JournalError::io("look at", &path))?
                    .len(),
            ));
        }
    }
    found.sort_unstable();
    Ok(found)
}
