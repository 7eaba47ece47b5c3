//! Topics as the cluster knows them: how many partitions, where those begin and end, and making new ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::context::Told;
use super::fault::{backend, disposition, of_code};
use super::options::REQUEST_TIMEOUT_MS;
use crate::error::StreamError;

/// How long one question may take.
pub(super) const ASK: Duration = Duration::from_millis(REQUEST_TIMEOUT_MS as u64);
/// How long a topic that was just made may take until every partition has a leader.
const SETTLE: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a blocking call of librdkafka off the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, StreamError> + Send + 'static,
) -> Result<T, StreamError> {
    tokio::task::spawn_blocking(call)
        .await
        .map_err(|_| StreamError::Closed)?
}

/// Asks about topics and makes them.
pub(super) struct Topics {
    config: ClientConfig,
    /// In no group; a consumer, because producers' questions would make topics where brokers allow that.
    asker: Arc<BaseConsumer<Told>>,
    known: Mutex<HashMap<String, u32>>,
}

impl Topics {
    pub(super) fn new(config: ClientConfig) -> Result<Topics, StreamError> {
        let asker = config
            .create_with_context(Told)
            .map_err(backend("make a Kafka client"))?;
        Ok(Topics {
            config,
            asker: Arc::new(asker),
            known: Mutex::default(),
        })
    }

    /// The number of partitions, as last heard.
    pub(super) async fn known_partitions(&self, topic: &str) -> Result<u32, StreamError> {
        let known = self.known().get(topic).copied();
        match known {
            Some(partitions) => Ok(partitions),
            None => self.partitions(topic).await,
        }
    }

    /// The number of partitions, asked anew.
    pub(super) async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        let (asker, name) = (self.asker.clone(), topic.to_owned());
        let found = blocking(move || describe(&asker, &name)).await;
        let mut known = self.known();
        match &found {
            Ok(leaders) => known.insert(topic.to_owned(), leaders.len() as u32),
            Err(_) => known.remove(topic),
        };
        found.map(|leaders| leaders.len() as u32)
    }

    /// The first or next offset of each partition.
    pub(super) async fn offsets(&self, topic: &str, which: Offset) -> Result<Vec<u64>, StreamError> {
        let partitions = self.partitions(topic).await?;
        let (asker, topic) = (self.asker.clone(), topic.to_owned());
        blocking(move || {
            let all: Vec<u32> = (0..partitions).collect();
            let found = edges(&*asker, &topic, &all, which)?;
            Ok(all
                .iter()
                .map(|partition| found.get(partition).copied().unwrap_or(0))
                .collect())
        })
        .await
    }

    /// Asks for the topic to be made, and waits until it can be produced to.
    pub(super) async fn create(
        &self,
        topic: &str,
        partitions: u32,
        replicas: u16,
        properties: &[(String, String)],
    ) -> Result<(), StreamError> {
        let admin: AdminClient<Told> = self
            .config
            .create_with_context(Told)
            .map_err(backend("make a Kafka client"))?;
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        let mut new = NewTopic::new(topic, count, TopicReplication::Fixed(i32::from(replicas)));
        for (name, value) in properties {
            new = new.set(name, value);
        }
        let options = AdminOptions::new()
            .request_timeout(Some(SETTLE))
            .operation_timeout(Some(SETTLE));
        let answers = admin.create_topics([&new], &options).await;
        for answer in answers.map_err(backend("create a topic"))? {
            match answer {
                // Another process was faster; whether it made the same is seen below.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => {
                    return Err(StreamError::Backend {
                        operation: "create a topic",
                        disposition: of_code(code),
                        source: KafkaError::AdminOp(code).into(),
                    });
                }
            }
        }
        // Dropping it joins a thread.
        blocking(move || {
            drop(admin);
            Ok(())
        })
        .await?;
        self.settled(topic).await
    }

    async fn settled(&self, topic: &str) -> Result<(), StreamError> {
        let until = Instant::now() + SETTLE;
        loop {
            let (asker, name) = (self.asker.clone(), topic.to_owned());
            let found = blocking(move || describe(&asker, &name)).await;
            let led = matches!(&found, Ok(leaders) if leaders.iter().all(|led| *led));
            if led || Instant::now() >= until {
                return found.map(drop);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For each partition whether it has a leader. Blocks.
fn describe(asker: &BaseConsumer<Told>, topic: &str) -> Result<Vec<bool>, StreamError> {
    // Serves the client's own events, which nobody else does.
    while asker.poll(Duration::ZERO).is_some() {}
    let unknown = || StreamError::UnknownTopic {
        topic: topic.to_owned(),
    };
    let operation = "read a topic's description";
    let metadata = asker
        .client()
        .fetch_metadata(Some(topic), ASK)
        .map_err(backend(operation))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or_else(unknown)?;
    match found.error() {
        None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Err(unknown()),
        Some(code) => {
            let source = KafkaError::MetadataFetch(code.into());
            return Err(StreamError::Backend {
                operation,
                disposition: disposition(&source),
                source: source.into(),
            });
        }
    }
    match found.partitions() {
        [] => Err(unknown()),
        partitions => Ok(partitions
            .iter()
            .map(|partition| partition.leader() >= 0)
            .collect()),
    }
}

/// The first (`Offset::Beginning`) or next (`Offset::End`) offsets of partitions, asked of their leaders at once. Blocks.
pub(super) fn edges<C: Consumer<X>, X: ConsumerContext + ClientContext>(
    asker: &C,
    topic: &str,
    partitions: &[u32],
    which: Offset,
) -> Result<HashMap<u32, u64>, StreamError> {
    let failed = backend("read a partition's offsets");
    // The protocol asks for offsets by time, and -1 and -2 are the times of end and beginning.
    let list = list(topic, partitions.iter().map(|partition| (*partition, which))).map_err(failed)?;
    let found = asker.offsets_for_times(list, ASK).map_err(failed)?;
    offsets(&found).map_err(failed)
}

/// The offsets in a list; partitions without one are left out.
pub(super) fn offsets(list: &TopicPartitionList) -> Result<HashMap<u32, u64>, KafkaError> {
    let mut found = HashMap::new();
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset()
            && let (Ok(partition), Ok(offset)) = (u32::try_from(element.partition()), u64::try_from(offset))
        {
            found.insert(partition, offset);
        }
    }
    Ok(found)
}

/// A list of places in one topic.
pub(super) fn list(
    topic: &str,
    places: impl IntoIterator<Item = (u32, Offset)>,
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in places {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        list.add_partition_offset(topic, partition, offset)?;
    }
    Ok(list)
}

/// Where a partition is read from, as librdkafka wants it.
pub(super) fn at(offset: u64) -> Offset {
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}
