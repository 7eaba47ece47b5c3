//! A fit's progress on stderr.

use std::ops::ControlFlow;

use ceteris_causal::dml::{Progress, Watch};
use ceteris_terminal::Stage;

/// Runs a fit and shows its progress.
pub(crate) fn watched<T, E>(name: &'static str, fit: impl FnOnce(Watch<'_>) -> Result<T, E>) -> Result<T, E> {
    let stage = Stage::start(name, 0);
    let watch = |progress: Progress| {
        stage.total(progress.total as u64);
        stage.at(progress.done as u64);
        ControlFlow::Continue(())
    };
    let found = fit(&watch)?;
    stage.done("done");
    Ok(found)
}
