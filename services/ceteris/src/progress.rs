//! A fit's progress on stderr.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use ceteris_estimate::{Progress, Watch};
use ceteris_terminal::Stage;

/// Runs a fit and shows its progress; work that tells none says nothing when it is done.
pub(crate) fn watched<T, E>(name: &'static str, fit: impl FnOnce(Watch<'_>) -> Result<T, E>) -> Result<T, E> {
    let stage = Stage::start(name, 0);
    let told = AtomicBool::new(false);
    let watch = |progress: Progress| {
        told.store(true, Ordering::Relaxed);
        stage.total(progress.total as u64);
        stage.at(progress.done as u64);
        ControlFlow::Continue(())
    };
    let found = fit(&watch)?;
    if told.into_inner() {
        stage.done("done");
    }
    Ok(found)
}
