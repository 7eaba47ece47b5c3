//! Ingest over embedded backends: every accepted event in lake and features once, whatever happens to the worker.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

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
use ceteris_contract::topics::{CAUSAL_DECISIONS, USER_EVENTS, headers};
use ceteris_feature_store::{JournalStore, Options, Owner, Read};
use ceteris_features::{UnitState, ViewSet};
use ceteris_ingest::{Config, Deps, run};
use ceteris_lake::{EventColumn, Lake};
use ceteris_stream::{EmbeddedLog, EventLog, Message, NewRecord};
use prometheus::Registry;

const PARTITIONS: u16 = 4;
const START: Timestamp = Timestamp(20_500 * DAY_US);

struct House {
    _folder: tempfile::TempDir,
    deps: Deps,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::events(START);
    let log_clock = clock.clone();
    let log = EmbeddedLog::open(folder.path().join("log"), Arc::new(move || log_clock.now().0)).unwrap();
    log.create_topic(USER_EVENTS, PARTITIONS.into()).await.unwrap();
    log.create_topic(CAUSAL_DECISIONS, PARTITIONS.into())
        .await
        .unwrap();
    let lake = Lake::open(folder.path().join("lake"), 4, START).await.unwrap();
    let options = Options {
        partitions: PARTITIONS,
        stale_after: Span::days(1),
        ..Options::default()
    };
    let features = JournalStore::open(folder.path().join("features"), options).unwrap();
    let problem = Problem::from_yaml(include_str!("../../../deploy/problems/ecommerce.yaml")).unwrap();
    let deps = Deps {
        log: Arc::new(log),
        lake,
        features: Arc::new(features),
        problems: vec![Arc::new(problem)],
        identity: IdentityKey::new([3; 32]),
        clock,
        owner: Owner(1),
        registry: Registry::new(),
    };
    House {
        _folder: folder,
        deps,
    }
}

fn event(number: i64) -> (String, Vec<u8>) {
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
    fn start(&self, owner: u64, shutdown: &Shutdown) -> tokio::task::JoinHandle<anyhow::Result<()>> {
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
        };
        tokio::spawn(run(config, deps, shutdown.clone()))
    }

    async fn send(&self, numbers: std::ops::Range<i64>) {
        let records = numbers
            .map(|number| {
                let (user, payload) = event(number);
                NewRecord::keyed(user, payload).at(START.0 + number * 1_000_000)
            })
            .collect();
        self.deps.log.produce(USER_EVENTS, records).await.unwrap();
    }

    async fn rows(&self) -> BTreeMap<String, u32> {
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

    /// Waits until the lake holds this many rows and the markers stand at the log's end.
    async fn wait_for(&self, rows: u64) {
        let ends = self.deps.log.end_offsets(USER_EVENTS).await.unwrap();
        let schema = ViewSet::compile(&self.deps.problems[0]).unwrap().schema();
        let reached = async {
            loop {
                let lake = self.deps.lake.events().snapshot(None).await.unwrap().rows();
                let mut current = true;
                for (partition, end) in ends.iter().enumerate() {
                    let slot = ceteris_feature_store::Slot {
                        schema,
                        partition: partition as u16,
                    };
                    let marker = self.deps.features.marker(slot).await.unwrap();
                    current &= *end == 0 || marker.is_some_and(|marker| marker.next_offset >= *end);
                }
                if lake >= rows && current {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached)
            .await
            .expect("ingest never caught up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_ended_at_any_moment_loses_and_repeats_nothing() {
    let house = house().await;
    let total = 4_000;
    for round in 0..8i64 {
        house.send(round * 500..(round + 1) * 500).await;
        let worker = house.start(round as u64 + 1, &Shutdown::new());
        tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
        // Dropped between two awaits, as a kill would: nothing is flushed on the way out.
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
    }
    let shutdown = Shutdown::new();
    let worker = house.start(100, &shutdown);
    house.wait_for(total).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();

    let rows = house.rows().await;
    assert_eq!(rows.len() as u64, total);
    assert!(
        rows.values().all(|count| *count == 1),
        "an event stands in the lake twice"
    );
    compare_with_a_replay(&house, total as i64).await;
}

/// Online features equal the replay of every event.
async fn compare_with_a_replay(house: &House, total: i64) {
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

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_in_is_kept_with_its_reason() {
    let house = house().await;
    let ahead = serde_json::json!({
        "event_id": "ahead", "user_id": "u", "event_type": "x",
        "timestamp": Timestamp(START.0 + 6 * 60 * 1_000_000),
    });
    let records = vec![
        NewRecord::keyed("u", "not json").at(START.0),
        NewRecord::keyed("u", serde_json::to_vec(&ahead).unwrap()).at(START.0),
        NewRecord::keyed("u", event(1).1)
            .at(START.0 + 1_000_000)
            .header(headers::SCHEMA, "7"),
    ];
    house.deps.log.produce(USER_EVENTS, records).await.unwrap();
    house.send(5..6).await;
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.wait_for(1).await;
    let mut letters = house
        .deps
        .log
        .subscribe("user_events.ingest.dlq", "test")
        .await
        .unwrap();
    let mut reasons = Vec::new();
    while reasons.len() < 3 {
        if let Message::Records(records) = letters.next().await.unwrap() {
            for record in records {
                reasons.push(String::from_utf8(record.header(headers::REASON).unwrap().to_vec()).unwrap());
                assert!(record.header(headers::DETAIL).is_some() && record.header(headers::ORIGIN).is_some());
            }
        }
    }
    assert_eq!(
        reasons,
        ["event_not_json", "event_ahead_of_time", "event_version"]
    );
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert_eq!(house.rows().await.into_keys().collect::<Vec<_>>(), ["e-5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_a_wrong_partition_is_forwarded_to_the_right_one() {
    let house = house().await;
    let records = (0..40)
        .map(|number| {
            NewRecord::keyed("stray", event(number).1)
                .at(START.0 + number * 1_000_000)
                .on(number as u32 % 4)
        })
        .collect();
    house.deps.log.produce(USER_EVENTS, records).await.unwrap();
    let shutdown = Shutdown::new();
    let worker = house.start(1, &shutdown);
    house.wait_for(40).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert!(house.rows().await.values().all(|count| *count == 1));
    compare_with_a_replay(&house, 40).await;
}
