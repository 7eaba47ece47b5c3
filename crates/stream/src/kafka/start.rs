//! Where partitions are read from: the place asked for, the group's, or the oldest record. All of it blocks.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode::{AssignmentLost, IllegalGeneration, RebalanceInProgress};
use rdkafka::topic_partition_list::Offset;

use super::context::Rebalances;
use super::fault::backend;
use super::topics::{ASK, at, edges, list, offsets};
use crate::error::StreamError;

/// The client of a member.
pub(super) type Client = StreamConsumer<Rebalances>;

/// How often a seek is tried that found the partition not yet started.
const LOOK: Duration = Duration::from_millis(10);

/// A partition and the offset asked for; none asks for the group's.
pub(super) type Wish = (u32, Option<u64>);

/// Answers an assignment: these partitions are read from now on, from the places returned.
pub(super) fn begin(client: &Client, topic: &str, wishes: &[Wish]) -> Result<Vec<(u32, u64)>, StreamError> {
    let places = resolve(client, topic, wishes)?;
    let assigned = list(
        topic,
        places.iter().map(|(partition, offset)| (*partition, at(*offset))),
    )
    .and_then(|list| client.incremental_assign(&list));
    if let Err(error) = assigned {
        // The group has taken them back meanwhile, and says so next.
        tracing::warn!(topic, error = %error, "cannot take partitions over");
    }
    Ok(places)
}

/// Moves partitions that are being read, to the places returned.
pub(super) fn seek(client: &Client, topic: &str, wishes: &[Wish]) -> Result<Vec<(u32, u64)>, StreamError> {
    let places = resolve(client, topic, wishes)?;
    let failed = backend("move the position");
    let until = Instant::now() + ASK;
    loop {
        let asked = list(
            topic,
            places.iter().map(|(partition, offset)| (*partition, at(*offset))),
        );
        let moved = client
            .seek_partitions(asked.map_err(failed)?, ASK)
            .map_err(failed)?;
        let refused = moved.elements().iter().find_map(|element| element.error().err());
        match refused {
            None => return Ok(places),
            // Right after its assignment a partition is not yet started.
            Some(_) if Instant::now() < until => thread::sleep(LOOK),
            Some(error) => return Err(failed(error)),
        }
    }
}

/// Turns wishes into places that exist.
fn resolve(client: &Client, topic: &str, wishes: &[Wish]) -> Result<Vec<(u32, u64)>, StreamError> {
    if wishes.is_empty() {
        return Ok(Vec::new());
    }
    let partitions: Vec<u32> = wishes.iter().map(|(partition, _)| *partition).collect();
    let unasked = wishes.iter().filter(|(_, wish)| wish.is_none());
    let committed = committed(client, topic, unasked.map(|(partition, _)| *partition))?;
    let first = edges(client, topic, &partitions, Offset::Beginning)?;
    let end = edges(client, topic, &partitions, Offset::End)?;
    let mut places = Vec::with_capacity(wishes.len());
    for (partition, wish) in wishes {
        let first = first.get(partition).copied().unwrap_or(0);
        let wanted = wish
            .or_else(|| committed.get(partition).copied())
            .unwrap_or(first);
        if wanted < first {
            tracing::warn!(
                topic,
                partition,
                wanted,
                first,
                "skipped records that retention dropped"
            );
        }
        if let Some(end) = end.get(partition).copied()
            && wanted > end
        {
            return Err(StreamError::BeyondEnd {
                topic: topic.to_owned(),
                partition: *partition,
                position: wanted,
                end,
            });
        }
        places.push((*partition, wanted.max(first)));
    }
    Ok(places)
}

/// The group's offsets; partitions without one are left out.
pub(super) fn committed(
    client: &Client,
    topic: &str,
    partitions: impl Iterator<Item = u32>,
) -> Result<HashMap<u32, u64>, StreamError> {
    let failed = backend("read the group's offsets");
    let asked = list(topic, partitions.map(|partition| (partition, Offset::Invalid))).map_err(failed)?;
    if asked.count() == 0 {
        return Ok(HashMap::new());
    }
    let found = client.committed_offsets(asked, ASK).map_err(failed)?;
    offsets(&found).map_err(failed)
}

/// Stores the group's offset. While the group agrees on its next generation, which it does by itself, brokers take no
/// offsets of the old one and not yet of the new one.
pub(super) fn commit(client: &Client, topic: &str, partition: u32, next: u64) -> Result<(), StreamError> {
    let failed = backend("commit an offset");
    let list = list(topic, [(partition, at(next))]).map_err(failed)?;
    let until = Instant::now() + ASK / 2;
    loop {
        // Another member has the partition by now, and may have committed more.
        let answer = match client.assignment_lost() {
            true => Err(KafkaError::ConsumerCommit(AssignmentLost)),
            false => client.commit(&list, CommitMode::Sync),
        };
        match answer {
            Err(KafkaError::ConsumerCommit(IllegalGeneration | RebalanceInProgress))
                if Instant::now() < until =>
            {
                thread::sleep(LOOK);
            }
            answer => return answer.map_err(failed),
        }
    }
}
