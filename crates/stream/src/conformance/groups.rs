//! Cases about consumer groups: independence, commits, members that come and go.

use std::collections::BTreeSet;

use super::{Stage, assigned, consume, consume_to_end, numbered};
use crate::error::StreamError;
use crate::log::{Message, Subscription};
use crate::record::NewRecord;

/// Each group gets everything.
pub async fn groups_are_independent(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("groups"));
    log.create_topic(&topic, 1).await?;
    log.produce(&topic, numbered("k", 10)).await?;
    let mut first = log.subscribe(&topic, &stage.name("first")).await?;
    let mut second = log.subscribe(&topic, &stage.name("second")).await?;
    assert_eq!(consume(&mut *first, 10).await?, consume(&mut *second, 10).await?);
    first.commit(0, 10).await?;
    assert_eq!(
        (first.committed(0).await?, second.committed(0).await?),
        (Some(10), None)
    );
    Ok(())
}

/// A new member starts at the committed offset, in this process and in the next; what was never committed comes again.
pub async fn a_group_goes_on_where_it_committed(stage: &dyn Stage) -> Result<(), StreamError> {
    let (topic, group) = (stage.name("commit"), stage.name("g"));
    let log = stage.open().await;
    log.create_topic(&topic, 2).await?;
    log.produce(
        &topic,
        (0..20).map(|n| NewRecord::unkeyed("x").on(n % 2)).collect(),
    )
    .await?;
    let mut member = log.subscribe(&topic, &group).await?;
    consume(&mut *member, 20).await?;
    assert_eq!(member.committed(1).await?, None);
    member.commit(1, 4).await?;
    member.commit(1, 7).await?;
    assert_eq!(
        (member.committed(0).await?, member.committed(1).await?),
        (None, Some(7))
    );
    let refused = member.committed(2).await;
    assert!(
        matches!(refused, Err(StreamError::UnknownPartition { .. })),
        "{refused:?}"
    );
    drop(member);

    let mut member = log.subscribe(&topic, &group).await?;
    assert_eq!(
        consume(&mut *member, 13)
            .await?
            .iter()
            .filter(|r| r.partition == 1)
            .count(),
        3
    );
    drop(member);
    drop(log);

    let log = stage.open().await;
    let mut member = log.subscribe(&topic, &group).await?;
    assert_eq!(member.committed(1).await?, Some(7));
    let records = consume_to_end(&mut *member, 2).await?;
    let mut places: Vec<_> = records
        .iter()
        .map(|record| (record.partition, record.offset))
        .collect();
    places.sort_unstable();
    let expected = (0..10)
        .map(|offset| (0, offset))
        .chain((7..10).map(|offset| (1, offset)));
    assert_eq!(places, expected.collect::<Vec<_>>());
    Ok(())
}

/// Before the assignment, and for partitions that do not exist, nothing can be moved or committed.
pub async fn what_is_not_assigned_cannot_be_moved(stage: &dyn Stage) -> Result<(), StreamError> {
    let (log, topic) = (stage.open().await, stage.name("alien"));
    log.create_topic(&topic, 1).await?;
    let mut member = log.subscribe(&topic, &stage.name("g")).await?;
    let refused = member.seek(0, 0);
    assert!(
        matches!(refused, Err(StreamError::NotAssigned { .. })),
        "{refused:?}"
    );
    assert_eq!(assigned(&mut *member).await?, [0]);
    member.seek(0, 0)?;
    let refused = [
        member.seek(1, 0),
        member.pause(1),
        member.resume(1),
        member.commit(1, 0).await,
    ];
    for refused in refused {
        let alien = matches!(
            refused,
            Err(StreamError::NotAssigned { .. } | StreamError::UnknownPartition { .. })
        );
        assert!(alien, "{refused:?}");
    }
    Ok(())
}

/// Two members split the partitions without ever holding one at once; the one that stays inherits all, and goes on at
/// the committed offsets.
pub async fn members_share_the_partitions_and_inherit_them(stage: &dyn Stage) -> Result<(), StreamError> {
    const PARTITIONS: u32 = 4;
    let (log, topic, group) = (stage.open().await, stage.name("share"), stage.name("g"));
    log.create_topic(&topic, PARTITIONS).await?;
    let mut first = Holder::new(log.subscribe(&topic, &group).await?);
    while first.held.len() < PARTITIONS as usize {
        first.go_on().await?;
    }
    let mut second = Holder::new(log.subscribe(&topic, &group).await?);
    while second.held.len() < 2 || first.held.len() > 2 {
        either(&mut first, &mut second).await?;
        assert!(
            first.held.is_disjoint(&second.held),
            "{:?} and {:?}",
            first.held,
            second.held
        );
    }
    let records = || {
        (0..PARTITIONS)
            .map(|partition| NewRecord::unkeyed("x").on(partition))
            .collect::<Vec<_>>()
    };
    log.produce(&topic, records()).await?;
    while first.seen.len() + second.seen.len() < PARTITIONS as usize {
        either(&mut first, &mut second).await?;
    }
    drop(second);
    log.produce(&topic, records()).await?;
    first.seen.clear();
    while first.held.len() < PARTITIONS as usize || first.seen.len() < PARTITIONS as usize {
        first.go_on().await?;
    }
    first.seen.sort_unstable();
    assert_eq!(
        first.seen,
        (0..PARTITIONS)
            .map(|partition| (partition, 1))
            .collect::<Vec<_>>()
    );
    Ok(())
}

/// While records keep coming, members join and leave; since each commits what it takes, every record is taken once.
pub async fn members_that_come_and_go_lose_and_repeat_nothing(stage: &dyn Stage) -> Result<(), StreamError> {
    const COUNT: u32 = 600;
    let (log, topic, group) = (stage.open().await, stage.name("churn"), stage.name("g"));
    log.create_topic(&topic, 4).await?;
    let producer = tokio::spawn({
        let (log, topic) = (log.clone(), topic.clone());
        async move {
            for number in 0..COUNT {
                log.produce(&topic, vec![NewRecord::unkeyed("x").on(number % 4)])
                    .await?;
            }
            Ok::<(), StreamError>(())
        }
    });
    let mut first = Holder::new(log.subscribe(&topic, &group).await?);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut visitor = Holder::new(log.subscribe(&topic, &group).await?);
        // It stays until it has seen something of its share, unless there is nothing left to see.
        while visitor.held.is_empty()
            || (visitor.seen.is_empty() && first.seen.len() + seen.len() < COUNT as usize)
        {
            either(&mut first, &mut visitor).await?;
        }
        seen.append(&mut visitor.seen);
    }
    producer.await.map_err(|_| StreamError::Closed)??;
    while first.seen.len() + seen.len() < COUNT as usize {
        first.go_on().await?;
    }
    seen.append(&mut first.seen);
    seen.sort_unstable();
    let expected =
        (0..4).flat_map(|partition| (0..u64::from(COUNT / 4)).map(move |offset| (partition, offset)));
    assert!(seen.into_iter().eq(expected), "a record was lost, or taken twice");
    Ok(())
}

/// Between `Revoked` and the next call the holder still commits, and the heir starts from there.
pub async fn a_revoked_partition_can_be_committed_before_it_is_let_go(
    stage: &dyn Stage,
) -> Result<(), StreamError> {
    let (log, topic, group) = (stage.open().await, stage.name("hand"), stage.name("g"));
    log.create_topic(&topic, 2).await?;
    log.produce(
        &topic,
        (0..20).map(|n| NewRecord::unkeyed("x").on(n % 2)).collect(),
    )
    .await?;
    let mut first = log.subscribe(&topic, &group).await?;
    consume(&mut *first, 20).await?;
    let mut second = log.subscribe(&topic, &group).await?;
    let heir = tokio::spawn(async move {
        let given = assigned(&mut *second).await?;
        let records = consume(&mut *second, 5 * given.len()).await?;
        Ok::<_, StreamError>((given, records))
    });
    let revoked = loop {
        if let Message::Revoked(partitions) = first.next().await? {
            break partitions;
        }
    };
    for &partition in &revoked {
        assert!(first.seek(partition, 0).is_err(), "a revoked partition was moved");
        first.commit(partition, 5).await?;
    }
    // Lets go, and holds on to the group until the heir is done.
    let keep = tokio::spawn(async move { while first.next().await.is_ok() {} });
    let (given, records) = heir.await.map_err(|_| StreamError::Closed)??;
    keep.abort();
    assert!(
        given.iter().all(|partition| revoked.contains(partition)),
        "{given:?} of {revoked:?}"
    );
    assert!(records.iter().all(|record| record.offset >= 5), "{records:?}");
    Ok(())
}

/// A pause ends with the assignment: what a member paused, lost and gets again, it reads.
pub async fn a_partition_that_comes_back_is_no_longer_paused(stage: &dyn Stage) -> Result<(), StreamError> {
    const PARTITIONS: u32 = 2;
    let (log, topic, group) = (stage.open().await, stage.name("back"), stage.name("g"));
    log.create_topic(&topic, PARTITIONS).await?;
    let mut first = Holder::new(log.subscribe(&topic, &group).await?);
    while first.held.len() < PARTITIONS as usize {
        first.go_on().await?;
    }
    for partition in 0..PARTITIONS {
        first.member.pause(partition)?;
    }
    let mut second = Holder::new(log.subscribe(&topic, &group).await?);
    while second.held.is_empty() {
        either(&mut first, &mut second).await?;
    }
    drop(second);
    let paused = first.held.clone();
    while first.held.len() < PARTITIONS as usize {
        first.go_on().await?;
    }
    let back = (0..PARTITIONS).filter(|partition| !paused.contains(partition));
    let records = back.map(|partition| NewRecord::unkeyed("x").on(partition));
    let records: Vec<_> = records.collect();
    let expected: Vec<_> = records.iter().filter_map(|record| record.partition).collect();
    log.produce(&topic, records).await?;
    first.seen.clear();
    while first.seen.len() < expected.len() {
        first.go_on().await?;
    }
    first.seen.sort_unstable();
    assert!(first.seen.iter().map(|(partition, _)| *partition).eq(expected));
    Ok(())
}

/// Lets whichever of two members has something to do do it to the end.
async fn either(first: &mut Holder, second: &mut Holder) -> Result<(), StreamError> {
    tokio::select! {
        message = first.member.next() => first.take(message?).await,
        message = second.member.next() => second.take(message?).await,
    }
}

/// A member that commits what it sees and keeps account of what it holds.
struct Holder {
    member: Box<dyn Subscription>,
    held: BTreeSet<u32>,
    seen: Vec<(u32, u64)>,
}

impl Holder {
    fn new(member: Box<dyn Subscription>) -> Holder {
        Holder {
            member,
            held: BTreeSet::new(),
            seen: Vec::new(),
        }
    }

    async fn go_on(&mut self) -> Result<(), StreamError> {
        let message = self.member.next().await?;
        self.take(message).await
    }

    async fn take(&mut self, message: Message) -> Result<(), StreamError> {
        match message {
            Message::Assigned(partitions) => self.held.extend(partitions),
            Message::Revoked(partitions) => self.held.retain(|held| !partitions.contains(held)),
            Message::EndOfPartition { partition, .. } => {
                assert!(
                    self.held.contains(&partition),
                    "the end of partition {partition}, which is not held"
                );
            }
            Message::Records(records) => {
                for record in records {
                    assert!(
                        self.held.contains(&record.partition),
                        "a record of a partition not held"
                    );
                    self.seen.push((record.partition, record.offset));
                    self.member.commit(record.partition, record.offset + 1).await?;
                }
            }
        }
        Ok(())
    }
}
