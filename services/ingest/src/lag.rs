//! How many records lie between the end of each partition and what is durable in every place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ceteris_stream::{EventLog, Subscription};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::metrics::Metrics;

/// How often the log's ends are asked for, and the group told how far it is.
const INTERVAL: Duration = Duration::from_secs(5);

type Reached = Arc<Mutex<BTreeMap<u32, u64>>>;

/// Shows the lag of the partitions that this worker holds.
pub(crate) struct Lag {
    topic: &'static str,
    reached: Reached,
    committed: BTreeMap<u32, u64>,
    committed_at: Instant,
    metrics: Metrics,
    watch: JoinHandle<()>,
}

impl Lag {
    pub(crate) fn watch(log: Arc<dyn EventLog>, topic: &'static str, metrics: Metrics) -> Self {
        let reached = Reached::default();
        let watch = tokio::spawn(show(log, topic, reached.clone(), metrics.clone()));
        Lag {
            topic,
            reached,
            committed: BTreeMap::new(),
            committed_at: Instant::now(),
            metrics,
            watch,
        }
    }

    /// Everything before `next` is durable.
    pub(crate) fn reached(&self, partition: u32, next: u64) {
        lock(&self.reached).insert(partition, next);
    }

    /// The partition is another worker's.
    pub(crate) fn forget(&mut self, partition: u32) {
        lock(&self.reached).remove(&partition);
        self.committed.remove(&partition);
        let labels = [self.topic, &partition.to_string()];
        // It may never have been shown.
        let _ = self.metrics.lag.remove_label_values(&labels);
    }

    /// Tells the group now and then how far it is. That only informs the log's own tools, so a failure is no trouble.
    pub(crate) async fn commit(&mut self, subscription: &mut dyn Subscription) {
        if self.committed_at.elapsed() < INTERVAL {
            return;
        }
        let reached = lock(&self.reached).clone();
        for (partition, next) in reached {
            if self.committed.get(&partition) == Some(&next) {
                continue;
            }
            if let Err(error) = subscription.commit(partition, next).await {
                tracing::debug!(
                    topic = self.topic,
                    partition,
                    error = &error as &dyn std::error::Error,
                    "the group was not told"
                );
                break;
            }
            self.committed.insert(partition, next);
        }
        self.committed_at = Instant::now();
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

async fn show(log: Arc<dyn EventLog>, topic: &'static str, reached: Reached, metrics: Metrics) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Ok(ends) = log.end_offsets(topic).await else {
            // The reading loop says so.
            continue;
        };
        for (partition, next) in lock(&reached).iter() {
            let end = ends.get(*partition as usize).copied().unwrap_or(0);
            let lag = i64::try_from(end.saturating_sub(*next)).unwrap_or(i64::MAX);
            metrics
                .lag
                .with_label_values(&[topic, &partition.to_string()])
                .set(lag);
        }
    }
}

fn lock(reached: &Reached) -> MutexGuard<'_, BTreeMap<u32, u64>> {
    reached.lock().unwrap_or_else(PoisonError::into_inner)
}
