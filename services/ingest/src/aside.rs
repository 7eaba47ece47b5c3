//! What is not taken in: refused records are kept as dead letters, misplaced ones forwarded.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use ceteris_chassis::Shutdown;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_stream::{ConsumedRecord, Disposition, EventLog, HasDisposition, NewRecord, StreamError, dead_letter};

use crate::check::Checked;
use crate::metrics::Metrics;

/// Pauses between attempts while the log does not take them.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Where records go that are not taken in.
pub(crate) struct Aside {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) dead_letters: String,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
}

impl Aside {
    /// Keeps refused records and forwards misplaced ones, before any position passes them. False where the worker is to
    /// end first: then no position may pass them.
    pub(crate) async fn set(&self, checked: &[(ConsumedRecord, Checked)]) -> anyhow::Result<bool> {
        let (mut letters, mut forwards) = (Vec::new(), Vec::new());
        for (record, checked) in checked {
            match checked {
                Checked::Event(_) | Checked::Known => {}
                Checked::Refused { code, detail } => {
                    self.metrics.dead_letters.with_label_values(&[code]).inc();
                    letters.push(dead_letter(record, code, detail));
                }
                Checked::Misplaced { partition, user_id } => {
                    self.metrics.forwarded.inc();
                    let mut forward = record.to_new().on(*partition);
                    forward.key = Some(user_id.clone().into());
                    forwards.push(forward);
                }
            }
        }
        Ok(self.insist(&self.dead_letters, letters).await? && self.insist(USER_EVENTS, forwards).await?)
    }

    /// Produces until it is done. The log that does not take them gives no records either, so nothing else waits.
    async fn insist(&self, topic: &str, mut records: Vec<NewRecord>) -> anyhow::Result<bool> {
        let mut pause = PAUSE_MIN;
        while !records.is_empty() {
            let error = match self.log.produce(topic, records.clone()).await {
                Ok(_) => break,
                Err(error) => error,
            };
            if let StreamError::RecordTooLarge { index, .. } = error {
                cut(&mut records[index]);
                continue;
            }
            if error.disposition() != Disposition::Retry {
                return Err(error).with_context(|| format!("set records aside in {topic}"));
            }
            self.metrics.retries.with_label_values(&["log", "away"]).inc();
            tracing::warn!(
                topic,
                error = &error as &dyn std::error::Error,
                "records are set aside again"
            );
            tokio::select! {
                () = self.shutdown.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
        Ok(true)
    }
}

/// A record that only the reason made too large goes without its payload: the origin says where it lies.
fn cut(record: &mut NewRecord) {
    if record.payload.is_empty() {
        // Nor do its own headers fit; what says why is what stays.
        record.headers.retain(|(name, _)| name.starts_with("ceteris_"));
    }
    record.payload = Bytes::new();
}
