//! How many records lie between the end of each partition and the position of record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ceteris_stream::{EventLog, Subscription};
use prometheus::IntGaugeVec;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the log's ends are asked for, and the group told how far it is.
const INTERVAL: Duration = Duration::from_secs(5);

type Positions = Arc<Mutex<BTreeMap<u32, u64>>>;

/// Shows the lag of the partitions held.
pub(crate) struct Lag {
    topic: &'static str,
    gauge: Gauge,
    positions: Positions,
    committed: BTreeMap<u32, u64>,
    committed_at: Instant,
    watch: JoinHandle<()>,
}

/// A gauge whose last label is the partition.
#[derive(Clone)]
pub(crate) struct Gauge {
    gauge: IntGaugeVec,
    labels: Vec<&'static str>,
}

impl Gauge {
    pub(crate) fn new(gauge: IntGaugeVec, labels: Vec<&'static str>) -> Gauge {
        Gauge { gauge, labels }
    }

    fn set(&self, partition: u32, lag: u64) {
        let partition = partition.to_string();
        let labels: Vec<&str> = self.labels.iter().copied().chain([&*partition]).collect();
        self.gauge
            .with_label_values(&labels)
            .set(i64::try_from(lag).unwrap_or(i64::MAX));
    }

    fn remove(&self, partition: u32) {
        let partition = partition.to_string();
        let labels: Vec<&str> = self.labels.iter().copied().chain([&*partition]).collect();
        // It may never have been shown.
        let _ = self.gauge.remove_label_values(&labels);
    }
}

impl Lag {
    /// Compares positions with the log's ends every few seconds until it is dropped.
    pub(crate) fn watch(log: Arc<dyn EventLog>, topic: &'static str, gauge: Gauge) -> Lag {
        let positions = Positions::default();
        let watch = tokio::spawn(show(log, topic, positions.clone(), gauge.clone()));
        Lag {
            topic,
            gauge,
            positions,
            committed: BTreeMap::new(),
            committed_at: Instant::now(),
            watch,
        }
    }

    /// Everything before `next` is durable.
    pub(crate) fn reached(&self, partition: u32, next: u64) {
        lock(&self.positions).insert(partition, next);
    }

    /// The partition is another worker's.
    pub(crate) fn forget(&mut self, partition: u32) {
        lock(&self.positions).remove(&partition);
        self.committed.remove(&partition);
        self.gauge.remove(partition);
    }

    /// Tells the group now and then how far it is.
    pub(crate) async fn commit_if_due(&mut self, subscription: &mut dyn Subscription) {
        if self.committed_at.elapsed() >= INTERVAL {
            self.commit(subscription).await;
        }
    }

    /// Tells the group how far it is. That only informs the log's own tools, so a failure is no trouble.
    pub(crate) async fn commit(&mut self, subscription: &mut dyn Subscription) {
        let positions = lock(&self.positions).clone();
        for (partition, next) in positions {
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

async fn show(log: Arc<dyn EventLog>, topic: &'static str, positions: Positions, gauge: Gauge) {
    let mut tick = tokio::time::interval(INTERVAL);
    loop {
        tick.tick().await;
        // A log that does not answer is its reader's trouble; the gauge keeps what it showed.
        let Ok(ends) = log.end_offsets(topic).await else {
            continue;
        };
        for (partition, position) in lock(&positions).iter() {
            if let Some(end) = ends.get(*partition as usize) {
                gauge.set(*partition, end.saturating_sub(*position));
            }
        }
    }
}

fn lock(positions: &Positions) -> MutexGuard<'_, BTreeMap<u32, u64>> {
    positions.lock().unwrap_or_else(PoisonError::into_inner)
}
