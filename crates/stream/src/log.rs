//! The port: a log of topics, and a member of a consumer group that reads one of them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::StreamError;
use crate::record::{ConsumedRecord, NewRecord};

/// The largest record, key, headers and payload together: a little under what a Kafka broker takes by default.
pub const RECORD_BYTES_MAX: usize = 1_000_000;

/// Tells the time of an append, microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A log of topics.
#[async_trait]
pub trait EventLog: Debug + Send + Sync {
    /// Makes the topic unless it is there already with as many partitions.
    ///
    /// # Errors
    /// [`StreamError::PartitionCount`] if it is there with another number, or `partitions` is 0;
    /// [`StreamError::BadName`].
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), StreamError>;

    /// The number of partitions of a topic.
    ///
    /// # Errors
    /// [`StreamError::UnknownTopic`].
    async fn partitions(&self, topic: &str) -> Result<u32, StreamError>;

    /// Appends records, those of one partition in the order given, and returns where each lies. They are durable when
    /// this returns. If it fails, or is dropped, any of them may have been appended.
    ///
    /// # Errors
    /// [`StreamError::RecordTooLarge`] and [`StreamError::UnknownPartition`] before anything is appended;
    /// [`StreamError::UnknownTopic`]; the backend's.
    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<Vec<(u32, u64)>, StreamError>;

    /// For each partition the offset that its next record will get.
    ///
    /// # Errors
    /// [`StreamError::UnknownTopic`].
    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError>;

    /// For each partition the offset of its oldest record: retention has dropped what was before. Where it has dropped
    /// everything, the offset that the next record will get.
    ///
    /// # Errors
    /// [`StreamError::UnknownTopic`].
    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        // Right for a log that keeps everything; the others say what they know.
        Ok(vec![0; self.partitions(topic).await? as usize])
    }

    /// Joins a consumer group. Groups are independent; the members of one share the partitions. Dropping the
    /// subscription leaves the group.
    ///
    /// # Errors
    /// [`StreamError::UnknownTopic`], [`StreamError::BadName`].
    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Subscription>, StreamError>;
}

/// What happens to a member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// These partitions are this member's now, besides those it has. Each stands at the group's committed offset, else
    /// at its oldest record; a [`seek`](Subscription::seek) before the next call of `next` starts it elsewhere.
    Assigned(Vec<u32>),
    /// These partitions go to another member. No more of their records come; they are let go at the next call of
    /// `next`, and until then may be committed.
    Revoked(Vec<u32>),
    /// Records, never none; of one partition or of several, and in order within each.
    Records(Vec<ConsumedRecord>),
    /// The position has reached the end that the partition has at this moment.
    EndOfPartition {
        /// The partition.
        partition: u32,
        /// Its end: the offset that the next record will get.
        next_offset: u64,
    },
}

/// A member of a consumer group, reading one topic.
#[async_trait]
pub trait Subscription: Debug + Send {
    /// Waits for the next message. Cancel-safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// The backend's; its disposition says what to do. After [`StreamError::NotARecord`] the position is behind the
    /// offending offset.
    async fn next(&mut self) -> Result<Message, StreamError>;

    /// Moves the position: the next record of `partition` is the one at `offset`, or the oldest one if retention has
    /// dropped it.
    ///
    /// # Errors
    /// [`StreamError::NotAssigned`]; also after `Revoked`.
    fn seek(&mut self, partition: u32, offset: u64) -> Result<(), StreamError>;

    /// Delivers nothing of `partition` until it is resumed or assigned anew.
    ///
    /// # Errors
    /// [`StreamError::NotAssigned`].
    fn pause(&mut self, partition: u32) -> Result<(), StreamError>;

    /// Ends a pause; the position is where it was.
    ///
    /// # Errors
    /// [`StreamError::NotAssigned`].
    fn resume(&mut self, partition: u32) -> Result<(), StreamError>;

    /// Stores that the group has dealt with everything of `partition` before `next_offset`. For workers whose offset
    /// of record lies with their sink it only informs.
    ///
    /// # Errors
    /// [`StreamError::NotAssigned`]; the backend's.
    async fn commit(&mut self, partition: u32, next_offset: u64) -> Result<(), StreamError>;

    /// The group's committed offset, assigned here or not; `None` if there is none.
    ///
    /// # Errors
    /// [`StreamError::UnknownPartition`]; the backend's.
    async fn committed(&self, partition: u32) -> Result<Option<u64>, StreamError>;
}
