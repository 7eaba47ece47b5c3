//! How far the store is behind the log, by partition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_stream::EventLog;
use prometheus::IntGaugeVec;
use tokio::task::JoinHandle;

const INTERVAL: Duration = Duration::from_secs(5);

/// Compares positions with the log's ends every few seconds until it is dropped.
pub(crate) struct Lag {
    positions: Arc<Mutex<BTreeMap<u32, u64>>>,
    gauge: IntGaugeVec,
    watching: JoinHandle<()>,
}

impl Lag {
    pub(crate) fn watch(log: Arc<dyn EventLog>, gauge: IntGaugeVec) -> Lag {
        let positions = Arc::<Mutex<BTreeMap<u32, u64>>>::default();
        let (shared, shown) = (positions.clone(), gauge.clone());
        let watching = tokio::spawn(async move {
            let mut tick = tokio::time::interval(INTERVAL);
            loop {
                tick.tick().await;
                // A log that does not answer is its reader's trouble; the gauge keeps what it showed.
                let Ok(ends) = log.end_offsets(CAUSAL_DECISIONS).await else {
                    continue;
                };
                for (partition, position) in shared.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    if let Some(end) = ends.get(*partition as usize) {
                        let lag = end.saturating_sub(*position);
                        shown
                            .with_label_values(&[&partition.to_string()])
                            .set(i64::try_from(lag).unwrap_or(i64::MAX));
                    }
                }
            }
        });
        Lag {
            positions,
            gauge,
            watching,
        }
    }

    /// The store stands here now.
    pub(crate) fn reached(&self, partition: u32, position: u64) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.insert(partition, position);
    }

    /// The partition is another's now.
    pub(crate) fn forget(&self, partition: u32) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.remove(&partition);
        // One that was never shown has nothing to take away.
        let _ = self.gauge.remove_label_values(&[&partition.to_string()]);
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
