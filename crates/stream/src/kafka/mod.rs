//! Apache Kafka through librdkafka.
//!
//! Left out: transactions; delivery is at least once, and sinks are idempotent.

mod closing;
mod codec;
mod context;
mod fault;
mod membership;
mod options;
mod produce;
mod start;
mod subscription;
mod topics;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::StreamError;
use crate::log::{EventLog, Subscription};
use crate::name::check_name;
use crate::record::NewRecord;
use closing::Closing;
pub use options::KafkaOptions;
use produce::KafkaProducer;
use rdkafka::topic_partition_list::Offset;
use subscription::KafkaSubscription;
use topics::Topics;

/// An event log on a Kafka cluster.
///
/// It is made without asking the cluster, and stays whatever the cluster does: brokers that go away are waited for.
pub struct KafkaLog {
    options: KafkaOptions,
    topics: Topics,
    producer: KafkaProducer,
    closing: Arc<Closing>,
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl KafkaLog {
    /// Makes the clients of a log.
    ///
    /// # Errors
    /// [`StreamError::FixedProperty`]; [`StreamError::Backend`] where librdkafka refuses a property, naming it.
    pub fn open(options: KafkaOptions) -> Result<KafkaLog, StreamError> {
        let topics = Topics::new(options.client()?)?;
        let producer = KafkaProducer::new(options.producer()?)?;
        Ok(KafkaLog {
            options,
            topics,
            producer,
            closing: Arc::default(),
        })
    }

    /// The partitions a produce may name: those last heard of, or asked anew where a record names one beyond.
    async fn partitions_for(&self, topic: &str, records: &[NewRecord]) -> Result<u32, StreamError> {
        let known = self.topics.known_partitions(topic).await?;
        let beyond = |partitions| {
            let mut named = records.iter().filter_map(|record| record.partition);
            named.find(|partition| *partition >= partitions)
        };
        if beyond(known).is_none() {
            return Ok(known);
        }
        let partitions = self.topics.partitions(topic).await?;
        match beyond(partitions) {
            None => Ok(partitions),
            Some(partition) => Err(StreamError::UnknownPartition {
                topic: topic.to_owned(),
                partition,
                partitions,
            }),
        }
    }
}

impl Drop for KafkaLog {
    /// A process that ends right after is to have left its groups.
    fn drop(&mut self) {
        self.closing.wait();
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), StreamError> {
        check_name("topic", topic)?;
        let has = match self.topics.partitions(topic).await {
            Err(StreamError::UnknownTopic { .. }) if partitions == 0 => 0,
            Err(StreamError::UnknownTopic { .. }) => {
                let (replicas, properties) =
                    (self.options.replication_factor, &self.options.topic_properties);
                self.topics
                    .create(topic, partitions, replicas, properties)
                    .await?;
                self.topics.partitions(topic).await?
            }
            known => known?,
        };
        if has == partitions && has > 0 {
            return Ok(());
        }
        Err(StreamError::PartitionCount {
            topic: topic.to_owned(),
            has,
            wanted: partitions,
        })
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        check_name("topic", topic)?;
        self.topics.partitions(topic).await
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<Vec<(u32, u64)>, StreamError> {
        check_name("topic", topic)?;
        if let Some(index) = records.iter().position(|record| !record.fits()) {
            let bytes = records[index].bytes();
            return Err(StreamError::RecordTooLarge { index, bytes });
        }
        self.partitions_for(topic, &records).await?;
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.producer.produce(topic, &records).await
    }

    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        check_name("topic", topic)?;
        self.topics.offsets(topic, Offset::End).await
    }

    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        check_name("topic", topic)?;
        self.topics.offsets(topic, Offset::Beginning).await
    }

    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Subscription>, StreamError> {
        check_name("topic", topic)?;
        check_name("group", group)?;
        let partitions = self.topics.partitions(topic).await?;
        let config = self.options.consumer(topic, group)?;
        let member = KafkaSubscription::join(config, topic, partitions, self.closing.clone())?;
        Ok(Box::new(member))
    }
}
