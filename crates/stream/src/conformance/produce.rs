//! Cases about topics and what is appended to them.

use bytes::Bytes;
use ceteris_contract::murmur2::partition_of;

use super::{Stage, assigned, consume, consume_to_end, numbered, payloads};
use crate::error::StreamError;
use crate::log::RECORD_BYTES_MAX;
use crate::record::NewRecord;
use ceteris_contract::disposition::{Disposition, HasDisposition};

/// Making a topic twice is one topic; with another number of partitions it is refused.
pub async fn a_topic_is_made_once(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("once"));
    log.create_topic(&topic, 3).await?;
    log.produce(&topic, numbered("k", 1)).await?;
    log.create_topic(&topic, 3).await?;
    assert_eq!(log.partitions(&topic).await?, 3);
    assert_eq!(log.end_offsets(&topic).await?.iter().sum::<u64>(), 1);
    for wanted in [0, 2, 4] {
        let refused = log.create_topic(&topic, wanted).await;
        assert!(
            matches!(refused, Err(StreamError::PartitionCount { .. })),
            "{wanted}: {refused:?}"
        );
    }
    let refused = log.create_topic(&stage.name("none"), 0).await;
    assert!(
        matches!(refused, Err(StreamError::PartitionCount { .. })),
        "{refused:?}"
    );
    Ok(())
}

/// What does not exist is said to be unknown, by every operation, and halts the worker.
pub async fn unknown_topics_and_bad_names_are_refused(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic, known) = (stage.open().await, stage.name("nowhere"), stage.name("known"));
    log.create_topic(&known, 2).await?;
    let refusals = [
        log.partitions(&topic).await.err(),
        log.produce(&topic, numbered("k", 1)).await.err(),
        log.end_offsets(&topic).await.err(),
        log.subscribe(&topic, "g").await.err(),
    ];
    for refusal in refusals {
        let unknown = matches!(&refusal, Some(error @ StreamError::UnknownTopic { .. })
            if error.disposition() == Disposition::Halt);
        assert!(unknown, "{refusal:?}");
    }
    for name in ["", ".", "..", "a/b", "a b", "é"] {
        let refused = log.create_topic(name, 1).await;
        assert!(
            matches!(refused, Err(StreamError::BadName { .. })),
            "{name:?}: {refused:?}"
        );
    }
    let refused = log.subscribe(&known, "../g").await.err();
    assert!(
        matches!(refused, Some(StreamError::BadName { .. })),
        "{refused:?}"
    );
    let refused = log.produce(&known, vec![NewRecord::unkeyed("x").on(2)]).await;
    assert!(
        matches!(refused, Err(StreamError::UnknownPartition { .. })),
        "{refused:?}"
    );
    assert_eq!(log.end_offsets(&known).await?, [0, 0]);
    Ok(())
}

/// Places are returned in the order given, offsets are dense per partition, a key's partition is Kafka's.
pub async fn offsets_are_dense_and_keys_choose_partitions_as_kafka_does(
    stage: &dyn Stage,
) -> Result<(), StreamError> {
    const PARTITIONS: u32 = 5;
    let (log, topic) = (stage.open().await, stage.name("dense"));
    log.create_topic(&topic, PARTITIONS).await?;
    let mut expected = vec![0; PARTITIONS as usize];
    for round in 0..3 {
        let keys: Vec<String> = (0..40).map(|i| format!("user-{}", i * (round + 1))).collect();
        let records = keys
            .iter()
            .map(|key| NewRecord::keyed(key.clone(), "x"))
            .collect();
        let places = log.produce(&topic, records).await?;
        assert_eq!(places.len(), keys.len());
        for (key, (partition, offset)) in keys.iter().zip(places) {
            assert_eq!(partition, partition_of(key.as_bytes(), PARTITIONS), "{key}");
            assert_eq!(offset, expected[partition as usize], "{key}");
            expected[partition as usize] += 1;
        }
    }
    assert_eq!(log.end_offsets(&topic).await?, expected);
    assert_eq!(log.first_offsets(&topic).await?, [0; PARTITIONS as usize]);
    // Kafka's own vectors: "21" hashes to -973932308, "foobar" to -790332482.
    assert_eq!(partition_of(b"21", 1000), 1_173_551_340 % 1000);
    assert_eq!(partition_of(b"foobar", 1000), 1_357_151_166 % 1000);
    let places = log
        .produce(&topic, vec![NewRecord::keyed("21", "x").on(4)])
        .await?;
    assert_eq!(
        places,
        [(4, expected[4])],
        "an explicit partition goes before the key"
    );
    Ok(())
}

/// Keys, headers, timestamps and payloads of any bytes, empty and missing ones too, come back unchanged.
pub async fn records_come_back_as_they_were_produced(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("same"));
    log.create_topic(&topic, 1).await?;
    let bytes: Bytes = (0..=255).collect();
    let produced = vec![
        NewRecord::keyed("k", "plain").at(1_700_000_000_000_000),
        NewRecord::keyed(Bytes::new(), Bytes::new()).at(0),
        NewRecord::unkeyed(bytes.clone()).at(1_700_000_000_001_000),
        NewRecord::unkeyed("to the microsecond").at(1_700_000_000_001_234),
        NewRecord::unkeyed("before 1970")
            .at(-1_234_567)
            .header("with", "header"),
        NewRecord::keyed(bytes.clone(), bytes.repeat(1000))
            .at(1_700_000_000_002_000)
            .header("ce_type", "purchase")
            .header("twice", "first")
            .header("twice", bytes)
            .header("empty", Bytes::new()),
    ];
    log.produce(&topic, produced.clone()).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    let consumed = consume(&mut *member, produced.len()).await?;
    for (offset, (new, record)) in produced.iter().zip(&consumed).enumerate() {
        assert_eq!(&record.to_new(), new);
        assert_eq!(
            (&*record.topic, record.partition, record.offset),
            (&*topic, 0, offset as u64)
        );
    }
    assert_eq!(
        consumed[5].header("twice").map(Bytes::len),
        Some(256),
        "the last of a name counts"
    );
    assert_eq!(consumed[5].header("missing"), None);
    Ok(())
}

/// Where a record without key goes is the log's choice, and said; an empty call appends nothing.
pub async fn records_without_key_are_spread_by_the_log(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("spread"));
    log.create_topic(&topic, 3).await?;
    let mut expected = [0; 3];
    for number in 0..30 {
        let places = log
            .produce(&topic, vec![NewRecord::unkeyed(number.to_string())])
            .await?;
        let (partition, offset) = places[0];
        assert_eq!(offset, expected[partition as usize]);
        expected[partition as usize] += 1;
    }
    assert_eq!(log.produce(&topic, Vec::new()).await?, []);
    assert_eq!(log.end_offsets(&topic).await?, expected);
    Ok(())
}

/// Timestamps left to the log are times of this century and do not run backwards.
pub async fn a_record_without_timestamp_gets_the_time_of_its_append(
    stage: &dyn Stage,
) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("time"));
    log.create_topic(&topic, 1).await?;
    for _ in 0..3 {
        log.produce(&topic, numbered("k", 2)).await?;
    }
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    let times: Vec<i64> = consume(&mut *member, 6)
        .await?
        .iter()
        .map(|record| record.timestamp_us)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times[0] > 946_684_800_000_000, "{times:?}");
    Ok(())
}

/// One record over the limit refuses the whole call, and says that it is the record's fault.
pub async fn records_too_large_are_parked_and_nothing_is_appended(
    stage: &dyn Stage,
) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("large"));
    log.create_topic(&topic, 1).await?;
    let sized = |bytes: usize| NewRecord::keyed("k", vec![7; bytes - 1]);
    let refused = log
        .produce(&topic, vec![sized(10), sized(RECORD_BYTES_MAX + 1)])
        .await;
    let Err(error @ StreamError::RecordTooLarge { index: 1, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.disposition(), Disposition::Park);
    assert_eq!(log.end_offsets(&topic).await?, [0]);
    assert_eq!(
        log.produce(&topic, vec![sized(RECORD_BYTES_MAX)]).await?,
        [(0, 0)]
    );
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(
        consume(&mut *member, 1).await?[0].payload.len(),
        RECORD_BYTES_MAX - 1
    );
    Ok(())
}

/// Many producers at once: every record is there once, and each producer's are in its order.
pub async fn concurrent_producers_keep_their_own_order(stage: &dyn Stage) -> Result<(), StreamError> {
    const PRODUCERS: usize = 8;
    const CALLS: usize = 25;
    let (log, topic) = (stage.open().await, stage.name("many"));
    log.create_topic(&topic, 2).await?;
    let mut tasks = Vec::new();
    for producer in 0..PRODUCERS {
        let (log, topic) = (log.clone(), topic.clone());
        tasks.push(tokio::spawn(async move {
            for call in 0..CALLS {
                let payload = |half: usize| format!("{:04}", 2 * call + half);
                let records = (0..2)
                    .map(|half| NewRecord::keyed(format!("p-{producer}"), payload(half)))
                    .collect();
                log.produce(&topic, records).await?;
            }
            Ok::<(), StreamError>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|_| StreamError::Closed)??;
    }
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    let records = consume(&mut *member, PRODUCERS * CALLS * 2).await?;
    let expected: Vec<String> = (0..2 * CALLS).map(|number| format!("{number:04}")).collect();
    for producer in 0..PRODUCERS {
        let key = Bytes::from(format!("p-{producer}"));
        let own: Vec<_> = records
            .iter()
            .filter(|r| r.key.as_ref() == Some(&key))
            .cloned()
            .collect();
        assert_eq!(payloads(&own), expected, "producer {producer}");
    }
    Ok(())
}

/// What was produced is there for the next process, and offsets go on.
pub async fn produced_records_survive_reopening(stage: &dyn Stage) -> Result<(), StreamError> {
    let topic = stage.name("kept");
    let log = stage.open().await;
    log.create_topic(&topic, 2).await?;
    log.produce(&topic, numbered("k", 50)).await?;
    drop(log);
    let log = stage.open().await;
    assert_eq!(log.partitions(&topic).await?, 2);
    let partition = partition_of(b"k", 2);
    assert_eq!(log.produce(&topic, numbered("k", 1)).await?, [(partition, 50)]);
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0, 1]);
    let mut expected: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    expected.push("0".to_owned());
    assert_eq!(payloads(&consume_to_end(&mut *member, 2).await?), expected);
    Ok(())
}
