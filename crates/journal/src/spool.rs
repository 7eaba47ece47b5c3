//! A writing thread before a journal: appends that wait together share one `write()` (and one `fdatasync`).

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
}

impl Default for SpoolOptions {
    /// 10 000 records, 64 MiB waiting, groups of 1 MiB.
    fn default() -> SpoolOptions {
        SpoolOptions {
            waiting_records_max: 10_000,
            waiting_bytes_max: 64 << 20,
            group_bytes_max: 1 << 20,
        }
    }
}

/// Takes records from many threads or tasks and appends them in the order taken, in groups: while one group is being
/// written, the next one gathers. Dropping it writes what waits, then ends the thread.
#[derive(Debug)]
pub struct SpoolWriter {
    queue: Arc<Queue>,
    view: JournalView,
    thread: Option<JoinHandle<Journal>>,
}

struct Waiting {
    record: Vec<u8>,
    completion: Completion,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    options: SpoolOptions,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    closed: bool,
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
        });
        let taken = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("spool-writer".to_owned())
            .spawn(move || write_groups(&taken, journal))
            .map_err(JournalError::io("start the writing thread of", view.folder()))?;
        Ok(SpoolWriter {
            queue,
            view,
            thread: Some(thread),
        })
    }

    /// Queues a record without blocking. The record is durable once the answer has resolved to its offset; await it,
    /// or [`wait`](Appended::wait) on a thread. Refusals too come through the answer: [`SpoolError::Overloaded`],
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
        // The thread sleeps only on an empty queue, so the first record alone needs to wake it.
        if state.waiting.len() == 1 {
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
        thread.join().map_err(|_| SpoolError::Closed)
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

    /// Waits for records and takes a group of them; `None` when closed and empty.
    fn take_group(&self) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
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
}

/// Closes the queue also when the thread unwinds, so that nobody waits for a thread that is gone.
struct CloseAtEnd<'a>(&'a Queue);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
        if thread::panicking() {
            self.0.lock().waiting.clear();
        }
    }
}

fn write_groups(queue: &Queue, mut journal: Journal) -> Journal {
    let _close = CloseAtEnd(queue);
    while let Some(group) = queue.take_group() {
        write_group(&mut journal, group);
    }
    journal
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
