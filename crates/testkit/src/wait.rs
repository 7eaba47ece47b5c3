//! Waiting for conditions.

use std::future::Future;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Asks `condition` until it gives a value, at most for `patience`.
///
/// # Errors
/// One sentence that names `what` was waited for, and the last failure where the condition had one.
pub async fn wait_for<T, F>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let until = Instant::now() + patience;
    let mut failure = None;
    loop {
        match condition().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
        if Instant::now() >= until {
            let seconds = patience.as_secs();
            return Err(match failure {
                Some(error) => error.context(format!("waited {seconds} s for {what}")),
                None => anyhow::anyhow!("waited {seconds} s for {what}"),
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}
