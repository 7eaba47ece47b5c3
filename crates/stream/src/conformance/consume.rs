//! Cases about one consumer: positions, ends, pauses, waiting.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Stage, assigned, consume, consume_to_end, numbered, payloads};
use crate::error::StreamError;
use crate::log::Message;
use crate::record::NewRecord;
use ceteris_contract::disposition::{Disposition, HasDisposition};

/// The end is announced once when it is reached, again after more records or a seek, and for an empty partition.
pub async fn the_end_is_announced_each_time_it_is_reached(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("end"));
    log.create_topic(&topic, 1).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0]);
    let end = |next_offset| Message::EndOfPartition {
        partition: 0,
        next_offset,
    };
    assert_eq!(member.next().await?, end(0));
    for round in 1..=3 {
        log.produce(&topic, numbered("k", 10)).await?;
        consume(&mut *member, 10).await?;
        assert_eq!(member.next().await?, end(10 * round));
    }
    member.seek(0, 25)?;
    assert_eq!(consume(&mut *member, 5).await?[0].offset, 25);
    assert_eq!(member.next().await?, end(30));
    Ok(())
}

/// A consumer that waits at the end gets what is produced then.
pub async fn a_waiting_consumer_is_woken(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("wake"));
    log.create_topic(&topic, 2).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0, 1]);
    consume_to_end(&mut *member, 2).await?;
    let waiting = tokio::spawn(async move { consume(&mut *member, 100).await });
    for number in 0..100 {
        log.produce(
            &topic,
            vec![NewRecord::unkeyed(number.to_string()).on(number % 2)],
        )
        .await?;
        tokio::task::yield_now().await;
    }
    let records = waiting.await.map_err(|_| StreamError::Closed)??;
    for partition in 0..2 {
        let of_partition = records.iter().filter(|record| record.partition == partition);
        let offsets: Vec<u64> = of_partition.map(|record| record.offset).collect();
        assert!(offsets.iter().copied().eq(0..50), "{offsets:?}");
    }
    Ok(())
}

/// A position can be moved before the first record, back, and on; other partitions do not mind.
pub async fn seek_goes_back_and_forth(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("seek"));
    log.create_topic(&topic, 2).await?;
    for partition in 0..2 {
        let records = (0..1000)
            .map(|n| NewRecord::unkeyed(n.to_string()).on(partition))
            .collect();
        log.produce(&topic, records).await?;
    }
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0, 1]);
    member.seek(0, 990)?;
    member.seek(1, 1000)?;
    let first = consume_to_end(&mut *member, 2).await?;
    let expected: Vec<String> = (990..1000).map(|number| number.to_string()).collect();
    assert_eq!(payloads(&first), expected);
    for target in [0, 500, 999] {
        member.seek(1, target)?;
        let records = consume(&mut *member, 1000 - target as usize).await?;
        let offsets = records.iter().map(|record| (record.partition, record.offset));
        assert!(offsets.eq((target..1000).map(|offset| (1, offset))));
    }
    Ok(())
}

/// A paused partition gives neither records nor its end, the others do; resumed, it goes on where it was.
pub async fn a_paused_partition_is_silent(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("pause"));
    log.create_topic(&topic, 2).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0, 1]);
    consume_to_end(&mut *member, 2).await?;
    member.pause(0)?;
    let both = |number: u32| {
        (0..2)
            .map(|partition| NewRecord::unkeyed(number.to_string()).on(partition))
            .collect::<Vec<_>>()
    };
    for number in 0..20 {
        log.produce(&topic, both(number)).await?;
        let records = consume(&mut *member, 1).await?;
        assert_eq!((records[0].partition, records[0].offset), (1, u64::from(number)));
        let end = Message::EndOfPartition {
            partition: 1,
            next_offset: u64::from(number) + 1,
        };
        assert_eq!(member.next().await?, end);
    }
    member.resume(0)?;
    let records = consume(&mut *member, 20).await?;
    assert!(
        records
            .iter()
            .map(|record| (record.partition, record.offset))
            .eq((0..20).map(|o| (0, o)))
    );
    Ok(())
}

/// Records that are not there are no reason to wait: the log was truncated, or the position is another log's.
pub async fn a_position_beyond_the_end_halts(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("beyond"));
    log.create_topic(&topic, 1).await?;
    log.produce(&topic, numbered("k", 3)).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0]);
    member.seek(0, 4)?;
    let halted = member.next().await;
    assert!(
        matches!(&halted, Err(error) if error.disposition() == Disposition::Halt),
        "{halted:?}"
    );
    member.seek(0, 2)?;
    assert_eq!(consume(&mut *member, 1).await?[0].offset, 2);
    Ok(())
}

/// A pause and a move do not mind each other, whichever comes first, and a pause before the first record holds.
pub async fn a_paused_partition_can_be_moved(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("hold"));
    log.create_topic(&topic, 2).await?;
    let records = (0..200).map(|n| NewRecord::unkeyed(n.to_string()).on(n % 2));
    log.produce(&topic, records.collect()).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    assert_eq!(assigned(&mut *member).await?, [0, 1]);
    member.pause(0)?;
    member.seek(0, 40)?;
    let of_the_other = consume(&mut *member, 100).await?;
    assert!(of_the_other.iter().all(|record| record.partition == 1));
    member.resume(0)?;
    let mut expected = 40;
    for _ in 0..2 {
        // Some records of partition 0 are on their way when it is paused again: none is lost, none comes.
        let Message::Records(records) = member.next().await? else {
            continue;
        };
        for record in records {
            assert_eq!((record.partition, record.offset), (0, expected));
            expected += 1;
        }
    }
    member.pause(0)?;
    member.seek(1, 90)?;
    let again = consume(&mut *member, 10).await?;
    assert!(
        again
            .iter()
            .map(|record| (record.partition, record.offset))
            .eq((90..100).map(|o| (1, o)))
    );
    member.seek(0, 70)?;
    member.resume(0)?;
    let records = consume(&mut *member, 30).await?;
    assert!(
        records
            .iter()
            .map(|record| (record.partition, record.offset))
            .eq((70..100).map(|o| (0, o)))
    );
    Ok(())
}

/// `next` raced against something that is always ready, and dropped each time it would have waited. A record is produced
/// for each such drop, so that none arrives without one, whoever is faster.
pub async fn dropping_next_loses_nothing(stage: &dyn Stage) -> Result<(), StreamError> {
    const COUNT: usize = 300;
    let (log, topic) = (stage.open().await, stage.name("drop"));
    log.create_topic(&topic, 1).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    let dropped = Arc::new(Semaphore::new(0));
    let producer = tokio::spawn({
        let (log, topic, dropped) = (log.clone(), topic.clone(), dropped.clone());
        async move {
            for record in numbered("k", COUNT) {
                dropped.acquire().await.map_err(|_| StreamError::Closed)?.forget();
                log.produce(&topic, vec![record]).await?;
            }
            Ok::<(), StreamError>(())
        }
    });
    let mut records = Vec::new();
    while records.len() < COUNT {
        tokio::select! {
            biased;
            message = member.next() => if let Message::Records(more) = message? {
                records.extend(more);
            },
            () = tokio::task::yield_now() => dropped.add_permits(1),
        }
    }
    producer.await.map_err(|_| StreamError::Closed)??;
    assert!(records.iter().map(|record| record.offset).eq(0..COUNT as u64));
    Ok(())
}
