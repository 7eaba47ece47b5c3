//! The count behind the callbacks of one fit, and whether it goes on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::GrowError;
use crate::dml::{Progress, Watch};

/// Steps done of a fit: nuisance fits, then bags of trees.
pub(super) struct Counter<'a> {
    watch: Watch<'a>,
    done: AtomicUsize,
    stopped: AtomicBool,
    total: usize,
}

impl<'a> Counter<'a> {
    pub(super) fn new(watch: Watch<'a>, total: usize) -> Self {
        Counter {
            watch,
            done: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            total,
        }
    }

    /// Refuses to start more work after a stop.
    pub(super) fn go_on(&self) -> Result<(), GrowError> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(GrowError::Interrupted)
        } else {
            Ok(())
        }
    }

    pub(super) fn one_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let progress = Progress {
            done,
            total: self.total,
        };
        if (self.watch)(progress).is_break() {
            self.stopped.store(true, Ordering::Relaxed);
        }
    }
}
