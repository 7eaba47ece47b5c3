//! A house with a log, a lake and a feature store, and a simulated stream whose every event is known.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::duration::Span;
use ceteris_contract::event::UserEvent;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS};
use ceteris_feature_store::{JournalStore, Options, Owner, Read, Slot};
use ceteris_features::{UnitState, ViewSet};
use ceteris_ingest::{Config, Deps, run};
use ceteris_lake::{EventColumn, Lake};
use ceteris_stream::{EmbeddedLog, EmbeddedOptions, EventLog, HasDisposition, NewRecord};
use prometheus::Registry;

pub const PARTITIONS: u16 = 4;
pub const START: Timestamp = Timestamp(20_500 * DAY_US);

pub struct House {
    pub folder: tempfile::TempDir,
    pub deps: Deps,
}

/// On the embedded log.
pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::events(START);
    let log_clock = clock.clone();
    // Segments so small that some can be dropped.
    let options = EmbeddedOptions {
        segment_bytes_max: 10_000,
        ..EmbeddedOptions::default()
    };
    let log = EmbeddedLog::open_with(
        folder.path().join("log"),
        Arc::new(move || log_clock.now().0),
        options,
    );
    over(Arc::new(log.unwrap()), clock, folder).await
}

/// On any log.
pub async fn over(log: Arc<dyn EventLog>, clock: Clock, folder: tempfile::TempDir) -> House {
    log.create_topic(USER_EVENTS, PARTITIONS.into()).await.unwrap();
    log.create_topic(CAUSAL_DECISIONS, PARTITIONS.into())
        .await
        .unwrap();
    let lake = Lake::open(folder.path().join("lake"), 4, START).await.unwrap();
    let features = features(&folder.path().join("features"));
    let problem = Problem::from_yaml(include_str!("../../../../../deploy/problems/ecommerce.yaml")).unwrap();
    let deps = Deps {
        log,
        lake,
        features,
        problems: vec![Arc::new(problem)],
        identity: IdentityKey::new([3; 32]),
        clock,
        owner: Owner(1),
        registry: Registry::new(),
    };
    House { folder, deps }
}

/// A feature store in a folder.
pub fn features(folder: &std::path::Path) -> Arc<JournalStore> {
    let options = Options {
        partitions: PARTITIONS,
        stale_after: Span::days(1),
        ..Options::default()
    };
    Arc::new(JournalStore::open(folder, options).unwrap())
}

/// The event of a number: its user and its payload.
pub fn event(number: i64) -> (String, Vec<u8>) {
    let user = format!("user-{}", number % 37);
    let at = Timestamp(START.0 + number * 1_000_000);
    let body = serde_json::json!({
        "event_id": format!("e-{number}"),
        "user_id": user,
        "event_type": "session_ended",
        "timestamp": at,
        "properties": {"duration_s": 60 + number % 7},
    });
    (user, serde_json::to_vec(&body).unwrap())
}

impl House {
    /// Starts a worker.
    pub fn start(&self, owner: u64, shutdown: &Shutdown) -> tokio::task::JoinHandle<anyhow::Result<()>> {
        let deps = Deps {
            owner: Owner(owner),
            registry: Registry::new(),
            ..self.deps.clone()
        };
        let config = Config {
            commit_rows: 100,
            commit_interval: Duration::from_millis(20),
            flush_interval: Duration::from_millis(20),
            resident_units_max: 16,
            maintain_interval: Duration::from_millis(200),
            ..Config::default()
        };
        tokio::spawn(run(config, deps, shutdown.clone()))
    }

    /// Produces events; a log that is away for a while is tried again.
    pub async fn send(&self, numbers: std::ops::Range<i64>) {
        let records = numbers
            .map(|number| {
                let (user, payload) = event(number);
                NewRecord::keyed(user, payload).at(START.0 + number * 1_000_000)
            })
            .collect::<Vec<_>>();
        while let Err(error) = self.deps.log.produce(USER_EVENTS, records.clone()).await {
            assert_eq!(error.disposition(), ceteris_stream::Disposition::Retry, "{error}");
        }
    }

    /// How often each event stands in the lake.
    pub async fn rows(&self) -> BTreeMap<String, u32> {
        let snapshot = self.deps.lake.events().snapshot(None).await.unwrap();
        let mut seen = BTreeMap::new();
        for bucket in 0..4 {
            for event in snapshot.read_bucket(bucket, EventColumn::ALL).await.unwrap() {
                assert_eq!(event.unit.bucket(4), bucket);
                *seen.entry(event.event_id).or_insert(0) += 1;
            }
        }
        seen
    }

    pub async fn lake_rows(&self) -> u64 {
        self.deps.lake.events().snapshot(None).await.unwrap().rows()
    }

    /// Waits until the lake holds this many rows and the markers stand at the log's end.
    pub async fn wait_for(&self, rows: u64) {
        self.wait(Some(rows)).await;
    }

    /// Waits until the markers stand at the log's end.
    pub async fn wait_for_features(&self) {
        self.wait(None).await;
    }

    async fn wait(&self, rows: Option<u64>) {
        let ends = self.deps.log.end_offsets(USER_EVENTS).await.unwrap();
        let schema = ViewSet::compile(&self.deps.problems[0]).unwrap().schema();
        let reached = async {
            loop {
                let mut current = match rows {
                    Some(rows) => self.lake_rows().await >= rows,
                    None => true,
                };
                for (partition, end) in ends.iter().enumerate() {
                    let slot = Slot {
                        schema,
                        partition: partition as u16,
                    };
                    let marker = self.deps.features.marker(slot).await.unwrap_or_default();
                    current &= *end == 0 || marker.is_some_and(|marker| marker.next_offset >= *end);
                }
                if current {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), reached)
            .await
            .expect("ingest never caught up");
    }
}

/// Online features equal the replay of every event.
pub async fn compare_with_a_replay(house: &House, total: i64) {
    let views = ViewSet::compile(&house.deps.problems[0]).unwrap();
    let mut replay = BTreeMap::new();
    for number in 0..total {
        let event = UserEvent::parse(&event(number).1).unwrap();
        let stored = event.into_stored(&house.deps.identity, START);
        let state = replay
            .entry(stored.unit)
            .or_insert_with(|| UnitState::new(&views));
        state.apply(&views, &stored);
    }
    let at = Timestamp(START.0 + total * 1_000_000);
    assert_eq!(replay.len(), 37);
    for (unit, state) in replay {
        let Read::Found(blob) = house.deps.features.read(views.schema(), unit, at).await else {
            panic!("{unit:?} is not found");
        };
        let online = UnitState::decode(&views, &blob).unwrap();
        assert_eq!(online.vector(&views, at), state.vector(&views, at));
    }
}
