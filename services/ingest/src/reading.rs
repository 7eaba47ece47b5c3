//! What the loops over both topics share in reading the log.

use std::time::Duration;

use anyhow::Context;
use ceteris_stream::{Disposition, HasDisposition, Message, StreamError, Subscription};

use crate::metrics::Metrics;

/// How often due writes are looked for while nothing arrives.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// How long a group is kept waiting for the last writes of partitions that it gives to another member.
pub(crate) const REVOKE_PATIENCE: Duration = Duration::from_secs(5);
/// Pause after the log did not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// The next message; none where the log could not give one now. Only what no patience mends is an error. Cancel-safe.
pub(crate) async fn next(
    subscription: &mut dyn Subscription,
    metrics: &Metrics,
) -> anyhow::Result<Option<Message>> {
    let error = match subscription.next().await {
        Ok(message) => return Ok(Some(message)),
        Err(error) => error,
    };
    match (&error, error.disposition()) {
        (StreamError::NotARecord { .. }, _) | (_, Disposition::Park) => {
            // It cannot be read, so it cannot be kept either; the position is behind it.
            metrics.dead_letters.with_label_values(&["not_a_record"]).inc();
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a record is passed over"
            );
        }
        (_, Disposition::Retry) => {
            metrics.retries.with_label_values(&["log", "away"]).inc();
            tracing::warn!(error = &error as &dyn std::error::Error, "the log is read again");
            tokio::time::sleep(PAUSE).await;
        }
        (_, Disposition::Halt) => return Err(error).context("read the log"),
    }
    Ok(None)
}

/// Pauses a partition, or lets it go on, where it is not so already.
pub(crate) fn pause_if(
    wanted: bool,
    paused: &mut bool,
    partition: u32,
    subscription: &mut dyn Subscription,
) -> anyhow::Result<()> {
    if wanted != *paused {
        match wanted {
            true => subscription.pause(partition),
            false => subscription.resume(partition),
        }
        .with_context(|| format!("pause or resume partition {partition}"))?;
        *paused = wanted;
    }
    Ok(())
}
