//! The tracker over the embedded log and store: everything once, the unreadable kept, a restart without loss.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says so and prints what it saw"
)]

use std::sync::Arc;
use std::time::Duration;

use ceteris_chassis::Shutdown;
use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_store::{DecisionStore, SqliteStore, conformance::record};
use ceteris_stream::{EmbeddedLog, EventLog, Message, NewRecord};
use ceteris_tracker::{Deps, run};
use prometheus::Registry;

struct House {
    _folder: tempfile::TempDir,
    log: Arc<dyn EventLog>,
    store: Arc<SqliteStore>,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(folder.path().join("log"), Arc::new(|| 0)).unwrap();
    log.create_topic(CAUSAL_DECISIONS, 4).await.unwrap();
    let store = SqliteStore::open(&folder.path().join("decisions.sqlite"))
        .await
        .unwrap();
    House {
        _folder: folder,
        log: Arc::new(log),
        store: Arc::new(store),
    }
}

impl House {
    fn start(&self, shutdown: &Shutdown) -> tokio::task::JoinHandle<anyhow::Result<()>> {
        let deps = Deps {
            log: self.log.clone(),
            store: self.store.clone(),
            registry: Registry::new(),
        };
        tokio::spawn(run(deps, shutdown.clone()))
    }

    async fn send(&self, numbers: std::ops::Range<u64>) {
        let records = numbers
            .map(|n| NewRecord::keyed(format!("user-{n}"), serde_json::to_vec(&record(n)).unwrap()))
            .collect();
        self.log.produce(CAUSAL_DECISIONS, records).await.unwrap();
    }

    async fn wait_for(&self, count: u64) {
        let reached = async {
            while self.store.count().await.unwrap() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .expect("the store never held that many rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_once_across_restarts_and_repeats() {
    let house = house().await;
    let first = Shutdown::new();
    let tracker = house.start(&first);
    house.send(0..500).await;
    house.wait_for(500).await;
    first.cancel();
    tracker.await.unwrap().unwrap();

    // A forwarder that lost its cursor ships a part again while the tracker is away.
    house.send(300..700).await;
    let second = Shutdown::new();
    let tracker = house.start(&second);
    house.wait_for(700).await;
    second.cancel();
    tracker.await.unwrap().unwrap();
    assert_eq!(house.store.count().await.unwrap(), 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unreadable_is_kept_with_reason_and_origin() {
    let house = house().await;
    house
        .log
        .produce(CAUSAL_DECISIONS, vec![NewRecord::keyed("k", "{not json").on(2)])
        .await
        .unwrap();
    house.send(0..10).await;
    let future = NewRecord::keyed("k", "{}").on(2).header(headers::SCHEMA, "99");
    house.log.produce(CAUSAL_DECISIONS, vec![future]).await.unwrap();
    let shutdown = Shutdown::new();
    let tracker = house.start(&shutdown);
    house.wait_for(10).await;
    let mut letters = house
        .log
        .subscribe("causal_decisions.tracker.dlq", "test")
        .await
        .unwrap();
    let mut found = Vec::new();
    while found.len() < 2 {
        if let Message::Records(records) = letters.next().await.unwrap() {
            found.extend(records);
        }
    }
    let reason = |i: usize| String::from_utf8(found[i].header(headers::REASON).unwrap().to_vec()).unwrap();
    assert_eq!(
        (reason(0), reason(1)),
        ("decision_not_readable".to_owned(), "decision_version".to_owned())
    );
    assert_eq!(
        found[0].header(headers::ORIGIN).unwrap().as_ref(),
        b"causal_decisions/2/0"
    );
    assert_eq!(found[0].payload.as_ref(), b"{not json");
    shutdown.cancel();
    tracker.await.unwrap().unwrap();
}
