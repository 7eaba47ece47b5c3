//! Progress of a fit, and the caller's say in whether it goes on.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::DmlError;

/// How far a fit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done: nuisance fits, bags of trees, or shares of a recipe's stages.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// Called after each step, from any thread; `Break` ends the fit with [`DmlError::Interrupted`].
pub type Watch<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// A watch that looks away.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The count behind the callbacks of one fit.
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
    pub(super) fn go_on(&self) -> Result<(), DmlError> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(DmlError::Interrupted)
        } else {
            Ok(())
        }
    }

    pub(super) fn one_done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if (self.watch)(Progress {
            done,
            total: self.total,
        })
        .is_break()
        {
            self.stopped.store(true, Ordering::Relaxed);
        }
    }
}
