//! A queue before a journal: appends that wait together share one `write()` (and one `fdatasync`).
//!
//! Whoever appends may write too, where the options say so: handing a record to another thread and being woken by it costs
//! several times what a `write()` into the page cache does. While one writes, the others queue behind it; it writes what
//! they left, and wakes them. The thread takes over what would keep an appender from its own work for too long.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::appended::{Appended, Completion};
use crate::error::{JournalError, SpoolError};
use crate::journal::Journal;
use crate::view::JournalView;

/// Bounds of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolOptions {
    /// Appends that may wait; more are refused as overload. At one write each 100 µs even 10 000 wait a millisecond.
    pub waiting_records_max: usize,
    /// Bytes that may wait, so that large records cannot fill the memory.
    pub waiting_bytes_max: usize,
    /// Bytes of one group, so that the first of a long queue need not wait for all the others.
    pub group_bytes_max: usize,
    /// Whether an append writes itself where nobody else is writing, which blocks it for that long: right where a write
    /// ends in the page cache (`SyncMode::Os`), wrong where it waits for the disk.
    pub appenders_write: bool,
}

impl Default for SpoolOptions {
    /// 10 000 records, 64 MiB waiting, groups of 1 MiB, written by the thread.
    fn default() -> SpoolOptions {
        SpoolOptions {
            waiting_records_max: 10_000,
            waiting_bytes_max: 64 << 20,
            group_bytes_max: 1 << 20,
            appenders_write: false,
        }
    }
}

/// Groups that an appender writes beyond its own: those of appenders who came meanwhile.
const GROUPS_FOR_OTHERS_MAX: usize = 2;

/// Takes records from many threads or tasks and appends them in the order taken, in groups: while one group is being
/// written, the next one gathers. Dropping it writes what waits, then ends the thread.
#[derive(Debug)]
pub struct SpoolWriter {
    queue: Arc<Queue>,
    view: JournalView,
    thread: Option<JoinHandle<()>>,
}

struct Waiting {
    record: Vec<u8>,
    completion: Completion,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    options: SpoolOptions,
    /// Locked by the one who writes; taken out when the spool is closed.
    journal: Mutex<Option<Journal>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    closed: bool,
    /// Somebody writes, and will look at the queue again.
    writing: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl SpoolWriter {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// [`JournalError::Io`] if the system gives no thread.
    pub fn start(journal: Journal, options: SpoolOptions) -> Result<SpoolWriter, JournalError> {
        let view = journal.view();
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            changed: Condvar::new(),
            options,
            journal: Mutex::new(Some(journal)),
        });
        let taken = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("spool-writer".to_owned())
            .spawn(move || taken.write_until_closed())
            .map_err(JournalError::io("start the writing thread of", view.folder()))?;
        Ok(SpoolWriter {
            queue,
            view,
            thread: Some(thread),
        })
    }

    /// Queues a record; it blocks for no longer than a few writes, and only where
    /// [`appenders_write`](SpoolOptions::appenders_write). The record is durable once the answer has resolved to its
    /// offset; await it, or [`wait`](Appended::wait) on a thread. Refusals too come through the answer: [`SpoolError::Overloaded`],
    /// [`SpoolError::Closed`], [`SpoolError::Journal`].
    pub fn append(&self, record: impl Into<Vec<u8>>) -> Appended {
        let record = record.into();
        let (appended, completion) = Appended::pair();
        let mut state = self.queue.lock();
        let refused = if state.closed {
            Some(SpoolError::Closed)
        } else if state.waiting.len() >= self.queue.options.waiting_records_max
            || state.bytes + record.len() > self.queue.options.waiting_bytes_max
        {
            let (waiting_records, waiting_bytes) = (state.waiting.len(), state.bytes);
            Some(SpoolError::Overloaded {
                waiting_records,
                waiting_bytes,
            })
        } else {
            None
        };
        if let Some(refused) = refused {
            drop(state);
            completion.tell(Err(refused));
            return appended;
        }
        state.bytes += record.len();
        state.waiting.push_back(Waiting { record, completion });
        if state.writing {
            // Whoever writes finds it.
        } else if self.queue.options.appenders_write {
            state.writing = true;
            drop(state);
            self.queue.write_as_appender();
        } else if state.waiting.len() == 1 {
            // The thread sleeps only on an empty queue, so the first record alone needs to wake it.
            self.queue.changed.notify_one();
        }
        appended
    }

    /// The journal behind, for readers, retention and figures.
    pub fn view(&self) -> &JournalView {
        &self.view
    }

    /// Refuses further appends, writes what waits, ends the thread and gives the journal back.
    ///
    /// # Errors
    /// [`SpoolError::Closed`] if the thread died.
    pub fn close(mut self) -> Result<Journal, SpoolError> {
        self.queue.close();
        let thread = self.thread.take().ok_or(SpoolError::Closed)?;
        thread.join().map_err(|_| SpoolError::Closed)?;
        let mut journal = self.queue.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.take().ok_or(SpoolError::Closed)
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has told every waiter `Closed` already.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Writes until the queue is closed and empty. For the thread.
    fn write_until_closed(&self) {
        let _close = CloseAtEnd(self);
        while self.wait_for_work() {
            while let Some(group) = self.take_group() {
                self.write_group(group);
            }
        }
    }

    /// Waits until something waits that nobody is writing, and makes it the caller's to write; false when closed and
    /// empty.
    fn wait_for_work(&self) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() || state.writing {
            if state.closed && !state.writing {
                return false;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        true
    }

    /// Writes the appender's own group and a few that came meanwhile, and leaves the rest to the thread.
    fn write_as_appender(&self) {
        let panicked = CloseOnPanic(self);
        for _ in 0..=GROUPS_FOR_OTHERS_MAX {
            let Some(group) = self.take_group() else {
                return;
            };
            self.write_group(group);
        }
        drop(panicked);
        let mut state = self.lock();
        state.writing = false;
        if !state.waiting.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Takes a group of what waits, for the one who writes; where nothing waits, nobody writes any more.
    fn take_group(&self) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            state.writing = false;
            return None;
        }
        let mut bytes = 0;
        let fits = |waiting: &&Waiting| {
            bytes += waiting.record.len();
            bytes <= self.options.group_bytes_max
        };
        let count = state.waiting.iter().take_while(fits).count().max(1);
        let group: Vec<Waiting> = state.waiting.drain(..count).collect();
        state.bytes -= group.iter().map(|waiting| waiting.record.len()).sum::<usize>();
        Some(group)
    }

    fn write_group(&self, group: Vec<Waiting>) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        match journal.as_mut() {
            Some(journal) => write_group(journal, group),
            // Closed; dropping them tells them so.
            None => drop(group),
        }
    }

    /// Refuses everything after a writer that died, so that nobody waits for one that is gone.
    fn give_up(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.writing = false;
        state.waiting.clear();
        state.bytes = 0;
        drop(state);
        self.changed.notify_all();
    }
}

/// Closes the queue when the thread ends, also when it unwinds.
struct CloseAtEnd<'a>(&'a Queue);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.give_up();
        } else {
            self.0.close();
        }
    }
}

/// Closes the queue when an appender unwinds while it writes.
struct CloseOnPanic<'a>(&'a Queue);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.give_up();
        }
    }
}

fn write_group(journal: &mut Journal, group: Vec<Waiting>) {
    let (records, completions): (Vec<Vec<u8>>, Vec<Completion>) = group
        .into_iter()
        .map(|waiting| (waiting.record, waiting.completion))
        .unzip();
    match journal.append(&records) {
        Ok(offsets) => {
            for (offset, completion) in offsets.zip(completions) {
                completion.tell(Ok(offset));
            }
        }
        // Some of a group may fit where the whole does not.
        Err(JournalError::Full { .. } | JournalError::TooLarge { .. }) if records.len() > 1 => {
            for (record, completion) in records.iter().zip(completions) {
                let appended = journal.append(std::slice::from_ref(record));
                completion.tell(appended.map(|offsets| offsets.start).map_err(journal_error));
            }
        }
        Err(error) => {
            let error = journal_error(error);
            for completion in completions {
                completion.tell(Err(error.clone()));
            }
        }
    }
}

fn journal_error(error: JournalError) -> SpoolError {
    SpoolError::Journal(Arc::new(error))
}
