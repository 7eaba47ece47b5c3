//! The one writer of a journal: opening and cutting, appending, rolling.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::JournalError;
use crate::frame::Batch;
use crate::lock::FolderLock;
use crate::segment::{self, Scan, Segment};
use crate::view::{JournalView, Shared};

/// What an acknowledged append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncMode {
    /// The death of the process: acknowledged after `write()`.
    #[default]
    Os,
    /// Power loss: acknowledged after `fdatasync`.
    Disk,
}

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What an append survives.
    pub sync: SyncMode,
    /// A segment that a batch would take over this size is closed first. It bounds what is checked at open and what
    /// retention keeps too long; held to a quarter of `bytes_max`.
    pub segment_bytes_max: u64,
    /// Bound on all segments together.
    pub bytes_max: Option<u64>,
}

impl Default for Options {
    /// `SyncMode::Os`, segments of 64 MiB, no bound.
    fn default() -> Options {
        Options {
            sync: SyncMode::Os,
            segment_bytes_max: 64 << 20,
            bytes_max: None,
        }
    }
}

/// The unfinished end of a write that was cut off when the journal was opened. None of it was ever acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The last segment.
    pub file: PathBuf,
    /// Its length now.
    pub position: u64,
    /// Bytes that were cut.
    pub bytes: u64,
}

/// A journal open for writing. Appending takes `&mut self`: one writer by type within the process, and by a lock file
/// among processes.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    sync: SyncMode,
    segment_bytes_max: u64,
    active: Arc<Segment>,
    file: File,
    batch: Batch,
    cut: Option<Cut>,
    broken: bool,
    _lock: FolderLock,
}

impl Journal {
    /// Opens the journal in `folder`, making it if it is missing, and cuts a torn tail.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if someone else writes there; [`JournalError::Corrupt`] if the last segment is damaged
    /// before its tail; [`JournalError::Io`].
    pub fn open(folder: impl AsRef<Path>, options: Options) -> Result<Journal, JournalError> {
        let folder = folder.as_ref();
        let lock = FolderLock::take(folder)?;
        let mut segments = sealed_but_last(folder)?;
        if segments.is_empty() {
            create(folder, 0, options.sync)?;
            segments.push(Arc::new(Segment::new(folder, 0, 0, false)));
        }
        let active = Arc::clone(&segments[segments.len() - 1]);
        let scan = active.scan()?;
        if scan.followed {
            let file = active.path.clone();
            return Err(JournalError::Corrupt {
                file,
                position: scan.bytes,
                offset: scan.end,
            });
        }
        let file = OpenOptions::new()
            .write(true)
            .open(&active.path)
            .map_err(JournalError::io("open", &active.path))?;
        let cut = cut_tail(&active, &file, scan, options.sync)?;
        let quarter = options.bytes_max.map_or(u64::MAX, |bytes| bytes / 4);
        Ok(Journal {
            shared: Arc::new(Shared::new(folder, segments, scan.end, options.bytes_max, true)),
            sync: options.sync,
            segment_bytes_max: options.segment_bytes_max.min(quarter),
            active,
            file,
            batch: Batch::new(),
            cut,
            broken: false,
            _lock: lock,
        })
    }

    /// A view of the journal in `folder` as it is now, without the lock and without changing anything: for reading
    /// beside a writer in another process. Later appends of that writer are not seen; a missing folder is an error.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn peek(folder: impl AsRef<Path>) -> Result<JournalView, JournalError> {
        let folder = folder.as_ref();
        let segments = sealed_but_last(folder)?;
        let mut end = 0;
        if let Some(last) = segments.last() {
            let scan = last.scan()?;
            last.publish(scan.bytes);
            end = scan.end;
        }
        let shared = Shared::new(folder, segments, end, None, false);
        Ok(JournalView::new(Arc::new(shared)))
    }

    /// Appends `records` as one batch and returns their offsets. When it returns, they survive what
    /// [`Options::sync`] says, and readers see them.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::TooLarge`]: nothing was written. [`JournalError::Io`]: nothing was
    /// acknowledged; if the file could not be put back, further appends answer [`JournalError::Broken`].
    pub fn append<R: AsRef<[u8]>>(&mut self, records: &[R]) -> Result<Range<u64>, JournalError> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        for record in records {
            batch.push(record.as_ref());
        }
        let appended = self.append_batch(&mut batch);
        batch.clear();
        self.batch = batch;
        appended
    }

    /// Appends a batch that the caller has encoded, as [`append`](Self::append) does, and empties it on success.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_batch(&mut self, batch: &mut Batch) -> Result<Range<u64>, JournalError> {
        let base = self.shared.end();
        if self.broken {
            return Err(JournalError::Broken {
                folder: self.shared.folder.clone(),
            });
        }
        if batch.is_empty() {
            return Ok(base..base);
        }
        let end = base + batch.len() as u64;
        let frame = batch.seal(base)?;
        self.check_room(frame.len() as u64)?;
        let used = self.active.bytes();
        if used > 0 && used + frame.len() as u64 > self.segment_bytes_max {
            self.roll(base)?;
        }
        self.write(frame)?;
        self.shared
            .publish(&self.active, self.active.bytes() + frame.len() as u64, end);
        batch.clear();
        Ok(base..end)
    }

    /// A handle for readers, retention and figures.
    pub fn view(&self) -> JournalView {
        JournalView::new(Arc::clone(&self.shared))
    }

    /// What was cut off when the journal was opened.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    fn check_room(&self, wanted_bytes: u64) -> Result<(), JournalError> {
        let used_bytes = self.shared.used();
        match self.shared.bytes_max {
            Some(limit_bytes) if used_bytes + wanted_bytes > limit_bytes => {
                let folder = self.shared.folder.clone();
                Err(JournalError::Full {
                    folder,
                    used_bytes,
                    limit_bytes,
                    wanted_bytes,
                })
            }
            _ => Ok(()),
        }
    }

    fn roll(&mut self, base: u64) -> Result<(), JournalError> {
        self.file = create(&self.shared.folder, base, self.sync)?;
        self.active = Arc::new(Segment::new(&self.shared.folder, base, 0, false));
        self.shared.roll(Arc::clone(&self.active));
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), JournalError> {
        let position = self.active.bytes();
        if let Err(error) = self.file.write_all_at(frame, position) {
            // A full disk may have taken half of the frame; the next one must not begin behind it.
            self.broken = self.file.set_len(position).is_err();
            return Err(JournalError::io("write", &self.active.path)(error));
        }
        if self.sync == SyncMode::Disk
            && let Err(error) = self.file.sync_data()
        {
            // After a failed fsync the system may have dropped the pages, so trying again proves nothing.
            self.broken = true;
            return Err(JournalError::io("sync", &self.active.path)(error));
        }
        self.active.note(self.shared.end(), position);
        Ok(())
    }
}

/// The segments of `folder` in order, all but the last sealed.
fn sealed_but_last(folder: &Path) -> Result<Vec<Arc<Segment>>, JournalError> {
    let found = segment::list(folder)?;
    let last = found.len().saturating_sub(1);
    let segment =
        |(at, &(base, bytes)): (usize, &(u64, u64))| Arc::new(Segment::new(folder, base, bytes, at < last));
    Ok(found.iter().enumerate().map(segment).collect())
}

fn create(folder: &Path, base: u64, sync: SyncMode) -> Result<File, JournalError> {
    let path = segment::path_of(folder, base);
    let failed = |source| JournalError::io("create", &path)(source);
    // A failed roll may have left the file behind; it is empty then.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .map_err(failed)?;
    if sync == SyncMode::Disk {
        let folder = File::open(folder).map_err(failed)?;
        file.sync_all().and_then(|()| folder.sync_all()).map_err(failed)?;
    }
    Ok(file)
}

fn cut_tail(active: &Segment, file: &File, scan: Scan, sync: SyncMode) -> Result<Option<Cut>, JournalError> {
    let bytes = active.bytes() - scan.bytes;
    if bytes == 0 {
        return Ok(None);
    }
    file.set_len(scan.bytes)
        .map_err(JournalError::io("cut", &active.path))?;
    if sync == SyncMode::Disk {
        file.sync_data().map_err(JournalError::io("sync", &active.path))?;
    }
    active.publish(scan.bytes);
    tracing::warn!(file = %active.path.display(), position = scan.bytes, bytes, "cut a torn tail");
    Ok(Some(Cut {
        file: active.path.clone(),
        position: scan.bytes,
        bytes,
    }))
}
