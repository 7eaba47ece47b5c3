//! Every record is written once or set aside, whoever is away and whenever the worker ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ceteris_chassis::Shutdown;
use ceteris_consumer::{Measures, Source, consume};
use ceteris_contract::topics::headers;
use ceteris_stream::conformance::FaultyLog;
use ceteris_stream::{ConsumedRecord, EmbeddedLog, EventLog, Message, NewRecord, RECORD_BYTES_MAX};
use prometheus::{IntCounter, IntGaugeVec, Opts};
use tokio::task::JoinHandle;

use crate::shelf::Shelf;

const TOPIC: &str = "things";
const LETTERS: &str = "things.keeper.dlq";
const PARTITIONS: u32 = 3;

struct Stage {
    _folder: tempfile::TempDir,
    inner: Arc<EmbeddedLog>,
    log: Arc<FaultyLog>,
    shelf: Shelf,
    retries: IntCounter,
    shutdown: Shutdown,
}

impl Stage {
    async fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let inner = Arc::new(EmbeddedLog::open(folder.path(), Arc::new(|| 0)).unwrap());
        inner.create_topic(TOPIC, PARTITIONS).await.unwrap();
        Stage {
            log: Arc::new(FaultyLog::over(inner.clone(), 0)),
            inner,
            _folder: folder,
            shelf: Shelf::default(),
            retries: IntCounter::new("retries", "retries").unwrap(),
            shutdown: Shutdown::new(),
        }
    }

    fn start(&self) -> JoinHandle<anyhow::Result<()>> {
        let source = Source {
            log: self.log.clone(),
            topic: TOPIC,
            group: "keeper",
        };
        let measures = Measures {
            retries: self.retries.clone(),
            lag: IntGaugeVec::new(Opts::new("lag", "lag"), &["topic", "partition"]).unwrap(),
            lag_labels: vec![TOPIC],
        };
        tokio::spawn(consume(
            source,
            self.shelf.sink(),
            measures,
            self.shutdown.clone(),
        ))
    }

    async fn send(&self, texts: impl IntoIterator<Item = String>) {
        let records = texts.into_iter().enumerate();
        let records = records.map(|(at, text)| NewRecord::unkeyed(text).on(at as u32 % PARTITIONS));
        self.inner.produce(TOPIC, records.collect()).await.unwrap();
    }

    async fn written(&self, count: usize) {
        until("the rows", || self.shelf.look().rows.len() >= count).await;
    }

    /// Ends the worker, and looks whether every record of the log stands on the shelf once, or was bad.
    async fn stop(&self, worker: JoinHandle<anyhow::Result<()>>, rows: usize) {
        self.shutdown.cancel();
        worker.await.unwrap().unwrap();
        let ends = self.log.end_offsets(TOPIC).await.unwrap();
        let mut durable = self.shelf.look();
        let positions: Vec<u64> = durable.positions.values().copied().collect();
        assert_eq!(positions, ends);
        assert_eq!(durable.rows.len(), rows);
        durable.rows.sort();
        durable
            .rows
            .dedup_by_key(|(partition, offset, _)| (*partition, *offset));
        assert_eq!(durable.rows.len(), rows, "a record was written twice");
    }

    async fn letters(&self, count: usize) -> Vec<ConsumedRecord> {
        // The worker makes the topic when it joins.
        while self.inner.end_offsets(LETTERS).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut letters = self.log.subscribe(LETTERS, "test").await.unwrap();
        let mut found = Vec::new();
        while found.len() < count {
            if let Message::Records(records) = letters.next().await.unwrap() {
                found.extend(records);
            }
        }
        found
    }
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect(what);
}

fn things(numbers: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    numbers.map(|number| format!("thing {number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_is_away_is_paused_and_read_on_from_its_position() {
    let stage = Stage::new().await;
    let worker = stage.start();
    stage.send(things(0..300)).await;
    stage.written(300).await;
    stage.shelf.look().away = true;
    stage.send(things(300..600)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stage.shelf.look().rows.len(), 300);
    stage.shelf.look().away = false;
    stage.written(600).await;
    stage.stop(worker, 600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_another_writer_moved_is_where_reading_goes_on() {
    let stage = Stage::new().await;
    let worker = stage.start();
    stage.send(things(0..300)).await;
    stage.written(300).await;
    stage.shelf.look().away = true;
    stage.send(things(300..330)).await;
    // Back, as after a restore, and forward, as another worker moves it.
    {
        let mut durable = stage.shelf.look();
        durable
            .rows
            .retain(|(partition, offset, _)| *partition != 0 || *offset < 40);
        durable.positions.insert(0, 40);
        durable.positions.insert(1, 105);
        let another = (100..105).map(|offset| (1, offset, "another's".to_owned()));
        durable.rows.extend(another);
        durable.away = false;
    }
    stage.written(330).await;
    stage.stop(worker, 330).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_position_passes_a_record_before_it_is_set_aside() {
    let stage = Stage::new().await;
    let worker = stage.start();
    stage.send(things(0..30)).await;
    stage.written(30).await;
    // The last of each partition cannot be taken, and the log takes no letters.
    stage.log.left.produce.store(u32::MAX, Ordering::SeqCst);
    stage
        .send(things(30..60).chain((0..PARTITIONS).map(|number| format!("bad {number}"))))
        .await;
    until("attempts to set aside", || stage.retries.get() >= 2).await;
    assert!(
        stage
            .shelf
            .look()
            .positions
            .values()
            .all(|position| *position <= 20)
    );
    stage.log.left.produce.store(0, Ordering::SeqCst);
    stage.written(60).await;
    let letters = stage.letters(PARTITIONS as usize).await;
    assert!(letters.iter().all(|letter| letter.payload.starts_with(b"bad")));
    stage.stop(worker, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_too_large_goes_without_what_makes_it_so() {
    let stage = Stage::new().await;
    let payload = format!("bad{}", "x".repeat(RECORD_BYTES_MAX - 4));
    let key = "k".repeat(RECORD_BYTES_MAX - 3);
    let records = vec![
        NewRecord::keyed("k", payload).on(0),
        NewRecord::keyed(key, "bad").on(1),
        NewRecord::unkeyed("bad").on(2),
    ];
    stage.log.produce(TOPIC, records).await.unwrap();
    let worker = stage.start();
    let mut letters = stage.letters(3).await;
    letters.sort_by_key(|letter| letter.header(headers::ORIGIN).unwrap().clone());
    let seen: Vec<_> = letters
        .iter()
        .map(|letter| (letter.key.as_deref(), &*letter.payload))
        .collect();
    assert_eq!(
        seen,
        [(Some(&b"k"[..]), &b""[..]), (None, &b""[..]), (None, &b"bad"[..])]
    );
    until("the positions", || stage.shelf.look().positions.len() == 3).await;
    stage.stop(worker, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_fails_now_and_then_is_asked_again() {
    let stage = Stage::new().await;
    stage.send(things(0..100)).await;
    stage.log.left.subscribe.store(2, Ordering::SeqCst);
    stage.log.left.next.store(2, Ordering::SeqCst);
    let worker = stage.start();
    stage.written(100).await;
    assert_eq!(stage.retries.get(), 4);
    stage.stop(worker, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_written_on_the_way_out() {
    let stage = Stage::new().await;
    stage.shelf.look().lazy = true;
    stage.send(things(0..90)).await;
    let worker = stage.start();
    until("the records to be read", || stage.shelf.look().taken == 90).await;
    assert_eq!(stage.shelf.look().rows.len(), 0);
    stage.stop(worker, 90).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_go_to_another_member_are_written_first() {
    let stage = Stage::new().await;
    stage.shelf.look().lazy = true;
    stage.send(things(0..90)).await;
    let first = stage.start();
    until("the records to be read", || stage.shelf.look().taken == 90).await;
    let second = stage.start();
    until("the partitions that go", || !stage.shelf.look().rows.is_empty()).await;
    stage.shelf.look().lazy = false;
    stage.send(things(90..120)).await;
    stage.written(120).await;
    stage.shutdown.cancel();
    second.await.unwrap().unwrap();
    stage.stop(first, 120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_never_joined_ends_when_it_is_told() {
    let stage = Stage::new().await;
    stage.log.left.subscribe.store(u32::MAX, Ordering::SeqCst);
    let worker = stage.start();
    until("an attempt", || stage.retries.get() > 0).await;
    stage.shutdown.cancel();
    worker.await.unwrap().unwrap();
}
