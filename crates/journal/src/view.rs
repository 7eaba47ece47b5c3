//! What everyone but the writer sees of a journal: its extent, its readers, its retention.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::error::JournalError;
use crate::reader::Reader;
use crate::segment::Segment;

type Watcher = Box<dyn Fn(u64) + Send + Sync>;

/// State shared by the writer, the views and the readers of one open journal.
pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) bytes_max: Option<u64>,
    /// Whether the lock of the folder was taken: without it nothing may be removed.
    locked: bool,
    segments: RwLock<VecDeque<Arc<Segment>>>,
    end: AtomicU64,
    used: AtomicU64,
    watchers: RwLock<Vec<Watcher>>,
    waiting: Mutex<()>,
    advanced: Condvar,
    /// Threads in `wait_for`; telling them is a system call, so it is left out where there is none.
    waiters: AtomicUsize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("folder", &self.folder)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        folder: &Path,
        segments: Vec<Arc<Segment>>,
        end: u64,
        bytes_max: Option<u64>,
        locked: bool,
    ) -> Shared {
        let used = segments.iter().map(|segment| segment.bytes()).sum();
        Shared {
            folder: folder.to_path_buf(),
            bytes_max,
            locked,
            segments: RwLock::new(segments.into()),
            end: AtomicU64::new(end),
            used: AtomicU64::new(used),
            watchers: RwLock::new(Vec::new()),
            waiting: Mutex::new(()),
            advanced: Condvar::new(),
            waiters: AtomicUsize::new(0),
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    pub(crate) fn first(&self) -> u64 {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.front().map_or(self.end(), |segment| segment.base)
    }

    /// The segment in which `offset` lies or will lie; `None` if retention dropped it.
    pub(crate) fn segment_of(&self, offset: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.base <= offset);
        after.checked_sub(1).map(|at| Arc::clone(&segments[at]))
    }

    /// Adds a segment behind the others, which are complete now.
    pub(crate) fn roll(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = segments.back() {
            last.seal();
        }
        segments.push_back(segment);
    }

    /// Makes a written batch visible and tells everyone who waits.
    pub(crate) fn publish(&self, segment: &Segment, segment_bytes: u64, end: u64) {
        self.used
            .fetch_add(segment_bytes - segment.bytes(), Ordering::AcqRel);
        segment.publish(segment_bytes);
        // In one order with a waiter's two steps: it counts itself, then looks at the end. So either it sees this end, or
        // it is seen here.
        self.end.store(end, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // Taking the lock once orders this against a waiter that has looked and is about to sleep.
            drop(self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            self.advanced.notify_all();
        }
        for watcher in self
            .watchers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            watcher(end);
        }
    }
}

/// A handle on an open journal for everyone but its writer. Cheap to clone; it keeps no lock, so it outlives the
/// writer without keeping others out.
#[derive(Debug, Clone)]
pub struct JournalView {
    shared: Arc<Shared>,
}

impl JournalView {
    pub(crate) fn new(shared: Arc<Shared>) -> JournalView {
        JournalView { shared }
    }

    /// A reader whose next record is `offset`. An offset outside the journal is an error at its first read.
    pub fn reader(&self, offset: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), offset)
    }

    /// The first offset still there; equal to [`end_offset`](Self::end_offset) if there is no record.
    pub fn first_offset(&self) -> u64 {
        self.shared.first()
    }

    /// The offset that the next record will get.
    pub fn end_offset(&self) -> u64 {
        self.shared.end()
    }

    /// Bytes in segment files.
    pub fn bytes_used(&self) -> u64 {
        self.shared.used()
    }

    /// The bound on [`bytes_used`](Self::bytes_used), if there is one.
    pub fn bytes_max(&self) -> Option<u64> {
        self.shared.bytes_max
    }

    /// The journal's folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Drops the segments all of whose offsets are below `offset`, oldest first; the segment being written stays.
    /// Returns the bytes freed. Readers inside a dropped segment may finish it.
    ///
    /// # Errors
    /// [`JournalError::Io`] if a file cannot be removed; it and those after it stay. [`JournalError::ReadOnly`] for a
    /// view from [`Journal::peek`](crate::Journal::peek).
    pub fn delete_before(&self, offset: u64) -> Result<u64, JournalError> {
        if !self.shared.locked {
            return Err(JournalError::ReadOnly {
                folder: self.shared.folder.clone(),
            });
        }
        let mut freed = 0;
        let mut segments = self
            .shared
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        while segments.get(1).is_some_and(|next| next.base <= offset) {
            let Some(oldest) = segments.front() else { break };
            match fs::remove_file(&oldest.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(JournalError::io("remove", &oldest.path)(error));
                }
                _ => {}
            }
            freed += oldest.bytes();
            self.shared.used.fetch_sub(oldest.bytes(), Ordering::AcqRel);
            segments.pop_front();
        }
        Ok(freed)
    }

    /// Calls `watcher` with the new end offset after each append, on the writer's thread: it should only wake someone.
    pub fn on_append(&self, watcher: impl Fn(u64) + Send + Sync + 'static) {
        self.shared
            .watchers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(watcher));
    }

    /// Blocks until there is a record at or after `offset`, or `timeout` has passed; says whether there is one.
    pub fn wait_for(&self, offset: u64, timeout: Duration) -> bool {
        let guard = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.waiters.fetch_add(1, Ordering::SeqCst);
        let waited = self.shared.advanced.wait_timeout_while(guard, timeout, |()| {
            self.shared.end.load(Ordering::SeqCst) <= offset
        });
        self.shared.waiters.fetch_sub(1, Ordering::SeqCst);
        drop(waited);
        self.shared.end() > offset
    }
}
