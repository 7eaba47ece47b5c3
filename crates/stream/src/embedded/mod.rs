//! The embedded twin: topics as folders, partitions as journals, groups in this process.

mod codec;
mod group;
mod offsets;
mod produce;
mod subscription;
mod topic;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use ceteris_journal::{FolderLock, Options, SyncMode};

use crate::error::StreamError;
use crate::log::{Clock, EventLog, Subscription};
use crate::name::check_name;
use crate::record::NewRecord;
use subscription::EmbeddedSubscription;
use topic::Topic;

/// How an embedded log is kept and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// What a produce survives: `Os` the death of the process, `Disk` power loss.
    pub sync: SyncMode,
    /// Size of a segment; the last one of each partition is checked at open.
    pub segment_bytes_max: u64,
    /// Records of one [`Message::Records`](crate::Message::Records), at most.
    pub fetch_records_max: usize,
    /// Bytes of one `Records`, at most, unless a single record is larger.
    pub fetch_bytes_max: usize,
}

impl Default for EmbeddedOptions {
    /// `SyncMode::Os`, segments of 16 MiB, fetches of 4 096 records or 1 MiB.
    fn default() -> EmbeddedOptions {
        EmbeddedOptions {
            sync: SyncMode::Os,
            segment_bytes_max: 16 << 20,
            fetch_records_max: 4096,
            fetch_bytes_max: 1 << 20,
        }
    }
}

impl EmbeddedOptions {
    fn journal(&self) -> Options {
        Options {
            sync: self.sync,
            segment_bytes_max: self.segment_bytes_max,
            bytes_max: None,
        }
    }
}

/// An event log in a folder, held by one process.
pub struct EmbeddedLog {
    folder: PathBuf,
    clock: Clock,
    options: EmbeddedOptions,
    topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    _lock: FolderLock,
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl EmbeddedLog {
    /// Opens the log in `folder`, making it if it is missing.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(folder: impl AsRef<Path>, clock: Clock) -> Result<EmbeddedLog, StreamError> {
        EmbeddedLog::open_with(folder, clock, EmbeddedOptions::default())
    }

    /// Opens the log in `folder` with other than the usual options. Blocks for the check of the last segments.
    ///
    /// # Errors
    /// [`StreamError::Open`] if another process holds the folder; [`StreamError::Journal`] if a partition is damaged;
    /// [`StreamError::BadTopicFile`]; [`StreamError::Io`].
    pub fn open_with(
        folder: impl AsRef<Path>,
        clock: Clock,
        options: EmbeddedOptions,
    ) -> Result<EmbeddedLog, StreamError> {
        let folder = folder.as_ref();
        let lock = FolderLock::take(folder).map_err(StreamError::Open)?;
        let topics_folder = folder.join("topics");
        fs::create_dir_all(&topics_folder).map_err(StreamError::io("create", &topics_folder))?;
        let topics = topic::open_all(&topics_folder, options.journal())?;
        let folder = folder.to_path_buf();
        Ok(EmbeddedLog {
            folder,
            clock,
            options,
            topics: RwLock::new(topics),
            _lock: lock,
        })
    }

    /// The names of all topics, sorted.
    pub fn topics(&self) -> Vec<String> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    /// Drops the segments of a partition all of whose offsets are below `offset`, never the newest; returns the bytes
    /// freed.
    ///
    /// # Errors
    /// [`StreamError::UnknownTopic`], [`StreamError::UnknownPartition`], [`StreamError::Journal`].
    pub fn delete_before(&self, topic: &str, partition: u32, offset: u64) -> Result<u64, StreamError> {
        let topic = self.topic(topic)?;
        let freed = topic.partition(partition)?.view.delete_before(offset);
        freed.map_err(|source| topic.journal_error(partition, source))
    }

    fn topic(&self, name: &str) -> Result<Arc<Topic>, StreamError> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics
            .get(name)
            .cloned()
            .ok_or_else(|| StreamError::UnknownTopic {
                topic: name.to_owned(),
            })
    }
}

#[async_trait]
impl EventLog for EmbeddedLog {
    async fn create_topic(&self, topic: &str, partitions: u32) -> Result<(), StreamError> {
        check_name("topic", topic)?;
        // A handful of small files, made inline: this happens at start, and the lock makes it happen once.
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let has = topics.get(topic).map_or(0, |known| known.partitions.len() as u32);
        match (has, partitions) {
            (0, 1..) => {
                let made = Topic::create(
                    &self.folder.join("topics"),
                    topic,
                    partitions,
                    self.options.journal(),
                )?;
                topics.insert(topic.to_owned(), Arc::new(made));
                Ok(())
            }
            (has, wanted) if has == wanted && has > 0 => Ok(()),
            (has, wanted) => Err(StreamError::PartitionCount {
                topic: topic.to_owned(),
                has,
                wanted,
            }),
        }
    }

    async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        Ok(self.topic(topic)?.partitions.len() as u32)
    }

    async fn produce(&self, topic: &str, records: Vec<NewRecord>) -> Result<Vec<(u32, u64)>, StreamError> {
        produce::produce(self.topic(topic)?, &self.clock, self.options.sync, records).await
    }

    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        let topic = self.topic(topic)?;
        Ok(topic
            .partitions
            .iter()
            .map(|partition| partition.view.end_offset())
            .collect())
    }

    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, StreamError> {
        let topic = self.topic(topic)?;
        let partitions = topic.partitions.iter();
        Ok(partitions
            .map(|partition| partition.view.first_offset())
            .collect())
    }

    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Subscription>, StreamError> {
        check_name("group", group)?;
        let topic = self.topic(topic)?;
        let group = topic.group(group)?;
        Ok(Box::new(EmbeddedSubscription::join(topic, group, &self.options)))
    }
}
