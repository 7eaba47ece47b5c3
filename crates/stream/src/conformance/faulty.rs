//! For tests of consumers: a log over another one, whose calls fail on demand with an error that passes.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::error::StreamError;
use crate::log::{EventLog, Message, Subscription};
use crate::record::NewRecord;

/// A log whose calls fail on demand.
#[derive(Debug)]
pub struct FaultyLog {
    inner: Arc<dyn EventLog>,
    /// How many of the next calls fail.
    pub left: Arc<Left>,
}

/// How many of the next calls of each kind fail.
#[derive(Debug, Default)]
pub struct Left {
    /// Of joining a group.
    pub subscribe: AtomicU32,
    /// Of producing.
    pub produce: AtomicU32,
    /// Of asking for the next message.
    pub next: AtomicU32,
}

impl FaultyLog {
    /// Each of subscribing, producing and reading fails so many times.
    pub fn over(inner: Arc<dyn EventLog>, times: u32) -> FaultyLog {
        let left = Left {
            subscribe: times.into(),
            produce: times.into(),
            next: times.into(),
        };
        FaultyLog {
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
impl EventLog for FaultyLog {
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

    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        self.inner.first_offsets(topic).await
    }

    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Subscription>, StreamError> {
        fails(&self.left.subscribe)?;
        Ok(Box::new(FaultySubscription {
            inner: Mutex::new(self.inner.subscribe(topic, group).await?),
            left: self.left.clone(),
        }))
    }
}

#[derive(Debug)]
struct FaultySubscription {
    inner: Mutex<Box<dyn Subscription>>,
    left: Arc<Left>,
}

#[async_trait]
impl Subscription for FaultySubscription {
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
