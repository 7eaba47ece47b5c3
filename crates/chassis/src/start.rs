//! Waits at the start until the servers that a service needs answer, so that a fleet may be started in any order.

use std::future::Future;
use std::time::Duration;

use crate::Shutdown;
use crate::backoff::Backoff;
use crate::health::Health;

const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Calls `connect` until it succeeds, with growing pauses. Until then the condition `what` does not hold.
///
/// # Errors
/// If the service is told to end first; the last failure is the cause.
pub async fn until_up<T, F>(
    what: &str,
    health: &Health,
    shutdown: &Shutdown,
    mut connect: impl FnMut() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
    loop {
        let error = match connect().await {
            Ok(up) => {
                health.holds(what);
                return Ok(up);
            }
            Err(error) => error,
        };
        let why = format!("{error:#}");
        let pause = backoff.failed();
        tracing::warn!(
            error = why,
            pause_ms = pause.as_millis() as u64,
            "waiting for {what}"
        );
        health.waits(what, why);
        tokio::select! {
            () = shutdown.cancelled() => return Err(error.context(format!("told to end while waiting for {what}"))),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
