//! Keeps the lake's reads from growing with its age. Every worker may do it: they do not harm one another.

use std::time::Duration;

use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_lake::Lake;

use crate::metrics::Metrics;

/// Maintains the lake every `interval` until `shutdown`. What fails is tried again at the next one: it is never urgent.
pub(crate) async fn maintain(
    lake: Lake,
    clock: Clock,
    interval: Duration,
    metrics: Metrics,
    shutdown: Shutdown,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let done = tokio::select! {
            () = shutdown.cancelled() => return,
            done = lake.maintain(clock.now()) => done,
        };
        match done {
            Ok(done) => {
                metrics.files_merged.inc_by(done.files_merged as u64);
                tracing::debug!(?done, "maintained the lake");
            }
            Err(error) => {
                metrics.retries.with_label_values(&["maintenance", "away"]).inc();
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot maintain the lake now"
                );
            }
        }
    }
}
