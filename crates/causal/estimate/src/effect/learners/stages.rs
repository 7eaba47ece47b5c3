//! One count of progress over the stages of a recipe, each of which counts from zero to its own total.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::progress::{Progress, Watch};

/// Steps that every stage is told in, whatever its own count.
const STEPS: usize = 1000;

/// The stages of one fit.
pub(super) struct Stages<'a> {
    watch: Watch<'a>,
    count: usize,
    begun: AtomicUsize,
}

impl<'a> Stages<'a> {
    pub(super) fn new(watch: Watch<'a>, count: usize) -> Self {
        Stages {
            watch,
            count,
            begun: AtomicUsize::new(0),
        }
    }

    /// Runs the next stage, its progress told as its share of the whole. A stop reaches the stage that runs.
    pub(super) fn next<T>(&self, work: impl FnOnce(Watch<'_>) -> T) -> T {
        let before = STEPS * self.begun.fetch_add(1, Ordering::Relaxed);
        work(&|own: Progress| {
            (self.watch)(Progress {
                done: before + STEPS * own.done / own.total.max(1),
                total: STEPS * self.count,
            })
        })
    }
}
