//! Kafka's broker killed under load: what was acknowledged is there, and producers and consumers go on by themselves.

// Also in the helpers, which clippy does not take for test code.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ceteris_stream::{Disposition, EventLog, HasDisposition, KafkaLog, KafkaOptions, Message, NewRecord};
use ceteris_testkit::kafka::Kafka;
use ceteris_testkit::wait::wait_for;

const PARTITIONS: u32 = 4;
const KILLS: usize = 2;

/// What the producer was told, and how often it had to try again.
#[derive(Default)]
struct Told {
    acknowledged: BTreeMap<(u32, u64), String>,
    refused: usize,
}

/// Produces until told to stop. A refused call is repeated as a whole, so records may repeat; none may be missing.
async fn produce(log: Arc<KafkaLog>, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) -> Told {
    let mut told = Told::default();
    for call in 0_u32.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let payloads: Vec<String> = (0..20).map(|part| format!("{call}-{part}")).collect();
        loop {
            let records = payloads
                .iter()
                .map(|payload| NewRecord::keyed(payload.clone(), payload.clone()));
            match log.produce("t", records.collect()).await {
                Ok(places) => {
                    count.fetch_add(places.len(), Ordering::AcqRel);
                    told.acknowledged.extend(places.into_iter().zip(payloads));
                    break;
                }
                Err(error) => {
                    assert_eq!(error.disposition(), Disposition::Retry, "{error:?}");
                    told.refused += 1;
                }
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_keeps_what_it_acknowledged_and_everyone_goes_on() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stream-kafka-faults");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut kafka = Kafka::start(&folder).await.unwrap();
    let log = Arc::new(KafkaLog::open(KafkaOptions::new(kafka.bootstrap())).unwrap());
    log.create_topic("t", PARTITIONS).await.unwrap();

    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let producer = tokio::spawn(produce(log.clone(), stop.clone(), acknowledged.clone()));
    let consumed = Arc::new(AtomicUsize::new(0));
    let mut member = log.subscribe("t", "g").await.unwrap();
    let counter = consumed.clone();
    let consumer = tokio::spawn(async move {
        let mut found = BTreeMap::new();
        let mut next = [0; PARTITIONS as usize];
        loop {
            // No error ends a consumer while the broker is away.
            let records = match member.next().await.unwrap() {
                Message::Records(records) => records,
                // The group may have given the partitions up for as long as the broker was away: this consumer's
                // position of record is its own.
                Message::Assigned(partitions) => {
                    for partition in partitions {
                        member.seek(partition, next[partition as usize]).unwrap();
                    }
                    continue;
                }
                Message::Revoked(_) | Message::EndOfPartition { .. } => continue,
            };
            for record in records {
                if record.payload == "end" {
                    return found;
                }
                let next = &mut next[record.partition as usize];
                assert_eq!(record.offset, *next, "partition {}", record.partition);
                *next += 1;
                found.insert((record.partition, record.offset), record.payload);
            }
            counter.store(found.len(), Ordering::Release);
        }
    });
    let reached = async |what: &str, counter: &AtomicUsize, more: usize| {
        let target = counter.load(Ordering::Acquire) + more;
        let reached = || {
            let reached = (counter.load(Ordering::Acquire) >= target).then_some(());
            async move { Ok(reached) }
        };
        wait_for(what, Duration::from_secs(120), reached).await.unwrap();
    };
    for kill in 0..KILLS {
        reached("records to be acknowledged", &acknowledged, 2_000).await;
        reached("records to be consumed", &consumed, 1_000).await;
        let behind = acknowledged
            .load(Ordering::Acquire)
            .saturating_sub(consumed.load(Ordering::Acquire));
        println!("kill {kill}: {behind} records acknowledged and not yet consumed");
        kafka.kill_9().unwrap();
        kafka.restart().await.unwrap();
    }
    reached("records to be acknowledged", &acknowledged, 2_000).await;
    stop.store(true, Ordering::Release);
    let told = producer.await.unwrap();
    let ends = log.end_offsets("t").await.unwrap();
    let all = || {
        let all = (consumed.load(Ordering::Acquire) as u64 >= ends.iter().sum()).then_some(());
        async move { Ok(all) }
    };
    wait_for("everything to be consumed", Duration::from_secs(120), all)
        .await
        .unwrap();
    log.produce("t", vec![NewRecord::unkeyed("end").on(0)])
        .await
        .unwrap();
    let found = consumer.await.unwrap();
    println!(
        "{} records acknowledged, {} found, {} calls refused",
        told.acknowledged.len(),
        found.len(),
        told.refused
    );
    for (place, payload) in &told.acknowledged {
        let there = found.get(place).map(|bytes| &bytes[..]);
        assert_eq!(there, Some(payload.as_bytes()), "{place:?}");
    }
}
