//! Progress of a fit, and the caller's say in whether it goes on.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How far a fit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done: nuisance fits, bags of trees, or shares of a recipe's stages.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// Called after each step, from any thread; `Break` ends the fit with [`Interrupted`].
pub type Watch<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// Ignores progress and never stops the fit.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The caller asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fit was interrupted")]
pub struct Interrupted;

/// The count behind the callbacks of one fit.
pub(crate) struct Counter<'a> {
    watch: Watch<'a>,
    done: AtomicUsize,
    stopped: AtomicBool,
    total: usize,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(watch: Watch<'a>, total: usize) -> Self {
        Counter {
            watch,
            done: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            total,
        }
    }

    /// Refuses to start more work after a stop.
    pub(crate) fn go_on(&self) -> Result<(), Interrupted> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    pub(crate) fn one_done(&self) {
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
