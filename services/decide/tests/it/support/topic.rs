//! A log that is down until it is told otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use ceteris_stream::{EmbeddedLog, EventLog, NewRecord, StreamError, Subscription};

/// A log that takes nothing as long as it is told to.
#[derive(Debug)]
pub struct Topic {
    log: Arc<EmbeddedLog>,
    /// Whether it takes nothing.
    pub down: AtomicBool,
    /// Batches it did not take.
    pub refused: AtomicUsize,
}

impl Topic {
    /// One that takes nothing yet.
    pub fn down(log: &Arc<EmbeddedLog>) -> Arc<Topic> {
        Arc::new(Topic {
            log: Arc::clone(log),
            down: AtomicBool::new(true),
            refused: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl EventLog for Topic {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), StreamError> {
        self.log.create_topic(topic, partitions).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        self.log.partitions(topic).await
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<Vec<(u32, u64)>, StreamError> {
        if self.down.load(Ordering::Acquire) {
            self.refused.fetch_add(1, Ordering::AcqRel);
            return Err(StreamError::Closed);
        }
        self.log.produce(topic, records).await
    }

    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        self.log.end_offsets(topic).await
    }

    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Subscription>, StreamError> {
        self.log.subscribe(topic, group).await
    }
}
