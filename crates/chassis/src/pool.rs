//! CPU work away from the async runtime: a fit must never delay a decision.

use tokio::task::JoinError;

/// Runs `work` on the blocking pool and waits for it. A panic inside is an error here, not a crash.
pub async fn run<T, F>(work: F) -> Result<T, JoinError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await
}
