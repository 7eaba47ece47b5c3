//! Apache Kafka passes the suite, and what only it has to: static members, fences, zombies.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ceteris_stream::conformance::Stage;
use ceteris_stream::{
    Disposition, EventLog, HasDisposition, KafkaLog, KafkaOptions, Message, NewRecord, StreamError,
    Subscription,
};
use ceteris_testkit::kafka::Kafka;
use ceteris_testkit::process::Process;
use ceteris_testkit::wait::wait_for;
use tokio::sync::OnceCell;

static SERVER: OnceCell<Kafka> = OnceCell::const_new();
static CASES: AtomicU32 = AtomicU32::new(0);

/// Where the shared server keeps its data; a later run finds and replaces it.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stream-kafka")
}

/// The cluster that all cases share, and this case's own names.
struct Cluster {
    options: KafkaOptions,
    prefix: String,
}

impl Cluster {
    async fn new() -> Cluster {
        let start = async || {
            let _ = std::fs::remove_dir_all(folder());
            std::fs::create_dir_all(folder()).unwrap();
            Kafka::start(&folder()).await.unwrap()
        };
        let server = SERVER.get_or_init(start).await;
        Cluster {
            options: KafkaOptions::new(server.bootstrap()),
            prefix: format!("case-{}", CASES.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn log(&self) -> KafkaLog {
        KafkaLog::open(self.options.clone()).unwrap()
    }

    /// As another process, a static member of its groups.
    fn log_of(&self, instance: &str) -> KafkaLog {
        let options = KafkaOptions {
            instance_id: Some(instance.to_owned()),
            ..self.options.clone()
        };
        KafkaLog::open(options).unwrap()
    }
}

#[async_trait]
impl Stage for Cluster {
    async fn open(&self) -> Arc<dyn EventLog> {
        Arc::new(self.log())
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

mod suite {
    use super::*;

    ceteris_stream::conformance_tests!(Cluster::new().await);
}

/// Waits for the next assignment; anything else that comes is not minded.
async fn assigned(member: &mut dyn Subscription) -> Vec<u32> {
    loop {
        if let Message::Assigned(partitions) = member.next().await.unwrap() {
            return partitions;
        }
    }
}

/// Lets two members act until each holds two of four partitions, and tells what each holds.
async fn shared(one: &mut dyn Subscription, two: &mut dyn Subscription) -> [BTreeSet<u32>; 2] {
    let mut held = [BTreeSet::new(), BTreeSet::new()];
    while held.iter().any(|held| held.len() != 2) {
        let (member, message) = tokio::select! {
            message = one.next() => (0, message.unwrap()),
            message = two.next() => (1, message.unwrap()),
        };
        match message {
            Message::Assigned(partitions) => held[member].extend(partitions),
            Message::Revoked(partitions) => held[member].retain(|held| !partitions.contains(held)),
            Message::Records(_) | Message::EndOfPartition { .. } => {}
        }
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_that_is_back_in_time_finds_its_partitions_and_troubles_nobody() {
    let cluster = Cluster::new().await;
    let topic = cluster.name("t");
    let (first, second) = (cluster.log_of("first"), cluster.log_of("second"));
    first.create_topic(&topic, 4).await.unwrap();
    let mut one = first.subscribe(&topic, "g").await.unwrap();
    let mut two = second.subscribe(&topic, "g").await.unwrap();
    let [of_first, of_second] = shared(&mut *one, &mut *two).await;

    drop(one);
    drop(first);
    let first = cluster.log_of("first");
    let mut one = first.subscribe(&topic, "g").await.unwrap();
    let back = tokio::spawn(async move {
        let partitions = assigned(&mut *one).await;
        (partitions, one)
    });
    // What the other is told until then, and until a record produced afterwards has come to it.
    let mut told = Vec::new();
    while !back.is_finished() {
        tokio::select! {
            message = two.next() => told.push(message.unwrap()),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    let (again, _one) = back.await.unwrap();
    let to = *of_second.first().unwrap();
    first
        .produce(&topic, vec![NewRecord::unkeyed("x").on(to)])
        .await
        .unwrap();
    loop {
        let message = two.next().await.unwrap();
        let last = matches!(message, Message::Records(_));
        told.push(message);
        if last {
            break;
        }
    }
    assert_eq!(again.into_iter().collect::<BTreeSet<_>>(), of_first);
    let moved = told
        .iter()
        .find(|message| matches!(message, Message::Assigned(_) | Message::Revoked(_)));
    assert_eq!(moved, None, "the group was rebalanced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_under_the_same_name_fences_the_first_which_is_told_so_and_joins_again() {
    let cluster = Cluster::new().await;
    let topic = cluster.name("t");
    let first = cluster.log_of("twin");
    first.create_topic(&topic, 2).await.unwrap();
    let mut one = first.subscribe(&topic, "g").await.unwrap();
    assert_eq!(assigned(&mut *one).await, [0, 1]);
    let second = cluster.log_of("twin");
    let mut two = second.subscribe(&topic, "g").await.unwrap();
    let fenced = tokio::spawn(async move {
        loop {
            if let Message::Revoked(partitions) = one.next().await.unwrap() {
                return (partitions, one);
            }
        }
    });
    assert_eq!(assigned(&mut *two).await, [0, 1]);
    let (lost, mut one) = fenced.await.unwrap();
    assert_eq!(lost, [0, 1]);
    let error = one.commit(0, 0).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry, "{error}");

    drop(two);
    drop(second);
    first
        .produce(&topic, vec![NewRecord::unkeyed("x").on(1)])
        .await
        .unwrap();
    assert_eq!(assigned(&mut *one).await, [0, 1]);
    loop {
        if let Message::Records(records) = one.next().await.unwrap() {
            assert_eq!((records[0].partition, records[0].offset), (1, 0));
            break;
        }
    }
    one.commit(1, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_is_a_reason_to_try_again() {
    let nowhere = ceteris_testkit::ports::free().unwrap();
    let mut options = KafkaOptions::new(nowhere.to_string());
    let log = KafkaLog::open(options.clone()).unwrap();
    let error = log.partitions("t").await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry, "{error}");
    options.properties = vec![("no.such.property".into(), "1".into())];
    let error = KafkaLog::open(options).unwrap_err();
    assert!(matches!(
        error,
        StreamError::Backend {
            disposition: Disposition::Halt,
            ..
        }
    ));
}

const CHILD: &str = "STREAM_TEST_CHILD";

/// Not a test of its own: the member that the next test stops in its tracks. It tells what it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_reads_until_ended() {
    let Ok(given) = std::env::var(CHILD) else {
        return;
    };
    let (bootstrap, topic) = given.split_once(' ').unwrap();
    let log = KafkaLog::open(KafkaOptions::new(bootstrap)).unwrap();
    let mut member = log.subscribe(topic, "g").await.unwrap();
    loop {
        match member.next().await.unwrap() {
            Message::Records(records) => {
                for record in records {
                    println!("read {}/{};", record.partition, record.offset);
                    // A zombie's commit is refused, and it is told why by the next message.
                    let committed = member.commit(record.partition, record.offset + 1).await;
                    println!("committed {};", committed.is_ok());
                }
            }
            message => println!("told {message:?};"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_loses_its_partitions_is_told_so_and_joins_again() {
    let cluster = Cluster::new().await;
    let topic = cluster.name("t");
    let log = cluster.log();
    log.create_topic(&topic, 2).await.unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child_that_reads_until_ended", "--nocapture"])
        .env(CHILD, format!("{} {topic}", cluster.options.bootstrap_servers));
    let output = folder().join("zombie.log");
    let child = Process::start("a member", command, &output).unwrap();
    let says = async |what: &str| {
        let said = || {
            let text = std::fs::read_to_string(&output)
                .unwrap_or_default()
                .replace('\n', "");
            let found = text.contains(what).then_some(());
            async move { Ok(found) }
        };
        wait_for(what, Duration::from_secs(60), said).await.unwrap();
    };
    says("told Assigned([0, 1]);").await;
    log.produce(&topic, vec![NewRecord::unkeyed("a").on(0)])
        .await
        .unwrap();
    says("committed true;").await;

    child.pause();
    let mut heir = log.subscribe(&topic, "g").await.unwrap();
    assert_eq!(assigned(&mut *heir).await, [0, 1], "after the zombie's session");
    assert_eq!(heir.committed(0).await.unwrap(), Some(1));
    child.resume();
    let keep = tokio::spawn(async move { while heir.next().await.is_ok() {} });
    says("told Revoked([0, 1]);").await;
    // It is a member again, and is given its share of one.
    says("told Revoked([0, 1]);told Assigned([").await;
    keep.abort();
}
