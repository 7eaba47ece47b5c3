//! A log in a folder, a tracker over it and a store, and what the tests ask of them.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ceteris_chassis::Shutdown;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_store::DecisionStore;
use ceteris_store::conformance::record;
use ceteris_stream::{ConsumedRecord, EmbeddedLog, EventLog, Message, NewRecord, dead_letter_topic};
use ceteris_testkit::wait::wait_for;
use ceteris_tracker::{Config, Deps, GROUP, run_with};
use prometheus::Registry;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(60);

/// A log with the decisions' topic of four partitions.
pub async fn log(folder: &Path) -> Arc<dyn EventLog> {
    let log = EmbeddedLog::open(folder.join("log"), Arc::new(|| 0)).unwrap();
    log.create_topic(CAUSAL_DECISIONS, 4).await.unwrap();
    Arc::new(log)
}

/// Sends the records so numbered.
pub async fn send(log: &dyn EventLog, numbers: Range<u64>) {
    let records = numbers
        .map(|n| NewRecord::keyed(format!("user-{n}"), serde_json::to_vec(&record(n)).unwrap()))
        .collect();
    log.produce(CAUSAL_DECISIONS, records).await.unwrap();
}

/// A tracker on its task.
pub struct Running {
    shutdown: Shutdown,
    registry: Registry,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub fn start(log: &Arc<dyn EventLog>, store: Arc<dyn DecisionStore>) -> Running {
        let (shutdown, registry) = (Shutdown::new(), Registry::new());
        let deps = Deps {
            log: log.clone(),
            store,
            registry: registry.clone(),
        };
        // Small batches, so that many of them are under way when something happens.
        let config = Config {
            rows_max: 50,
            interval: Duration::from_millis(5),
            ..Config::default()
        };
        let task = tokio::spawn(run_with(config, deps, shutdown.clone()));
        Running {
            shutdown,
            registry,
            task,
        }
    }

    /// Tells it to end, and how it ended.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.task.await.unwrap()
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap()
    }

    /// A counter by its name.
    pub fn count(&self, name: &str) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        family.get_metric()[0].get_counter().get_value() as u64
    }
}

/// Waits until the store holds that many rows.
pub async fn stored(store: &dyn DecisionStore, count: u64) {
    wait_for(&format!("{count} rows in the store"), PATIENCE, || async {
        let rows = store.count().await?;
        anyhow::ensure!(rows <= count, "{rows} rows are too many");
        Ok((rows == count).then_some(()))
    })
    .await
    .unwrap();
}

/// The first letters of the tracker's dead-letter topic.
pub async fn letters(log: &dyn EventLog, count: usize) -> Vec<ConsumedRecord> {
    let topic = dead_letter_topic(log, CAUSAL_DECISIONS, GROUP).await.unwrap();
    assert_eq!(topic, "causal_decisions.tracker.dlq");
    let mut letters = log.subscribe(&topic, "test").await.unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        if let Message::Records(records) = letters.next().await.unwrap() {
            found.extend(records);
        }
    }
    found
}
