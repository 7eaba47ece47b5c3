//! A log whose first calls of each kind fail with an error that passes.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use ceteris_stream::{EventLog, Message, NewRecord, StreamError, Subscription};
use tokio::sync::Mutex;

#[derive(Debug, Default)]
struct Left {
    subscribe: AtomicU32,
    produce: AtomicU32,
    next: AtomicU32,
}

/// A log that fails at first.
#[derive(Debug)]
pub struct Flaky {
    inner: Arc<dyn EventLog>,
    left: Arc<Left>,
}

impl Flaky {
    /// Each of subscribing, producing and reading fails so many times.
    pub fn new(inner: Arc<dyn EventLog>, times: u32) -> Flaky {
        let left = Left {
            subscribe: times.into(),
            produce: times.into(),
            next: times.into(),
        };
        Flaky {
            inner,
            left: Arc::new(left),
        }
    }
}

fn fails(left: &AtomicU32) -> Result<(), StreamError> {
    let take = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match take {
        Err(_) => Ok(()),
        Ok(_) => Err(StreamError::Io {
            action: "reach",
            path: PathBuf::from("the log"),
            source: io::Error::from(io::ErrorKind::TimedOut),
        }),
    }
}

#[async_trait]
impl EventLog for Flaky {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), StreamError> {
        self.inner.create_topic(topic, partitions).await
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        self.inner.partitions(topic).await
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<Vec<(u32, u64)>, StreamError> {
        fails(&self.left.produce)?;
        self.inner.produce(topic, records).await
    }

    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        self.inner.end_offsets(topic).await
    }

    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Subscription>, StreamError> {
        fails(&self.left.subscribe)?;
        Ok(Box::new(FlakySubscription {
            inner: Mutex::new(self.inner.subscribe(topic, group).await?),
            left: self.left.clone(),
        }))
    }
}

#[derive(Debug)]
struct FlakySubscription {
    inner: Mutex<Box<dyn Subscription>>,
    left: Arc<Left>,
}

#[async_trait]
impl Subscription for FlakySubscription {
    async fn next(&mut self) -> Result<Message, StreamError> {
        fails(&self.left.next)?;
        self.inner.get_mut().next().await
    }

    fn seek(&mut self, partition: u32, offset: u64) -> Result<(), StreamError> {
        self.inner.get_mut().seek(partition, offset)
    }

    fn pause(&mut self, partition: u32) -> Result<(), StreamError> {
        self.inner.get_mut().pause(partition)
    }

    fn resume(&mut self, partition: u32) -> Result<(), StreamError> {
        self.inner.get_mut().resume(partition)
    }

    async fn commit(&mut self, partition: u32, next_offset: u64) -> Result<(), StreamError> {
        self.inner.get_mut().commit(partition, next_offset).await
    }

    async fn committed(&self, partition: u32) -> Result<Option<u64>, StreamError> {
        self.inner.lock().await.committed(partition).await
    }
}
