//! A topic: its description, the journals of its partitions, its groups.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

use ceteris_journal::{Journal, JournalError, JournalView, Options, SyncMode, replace_file};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::check_name;
use super::group::Group;
use super::offsets::OffsetFile;
use crate::error::StreamError;

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    partitions: u32,
}

pub(super) struct Topic {
    pub(super) name: Arc<str>,
    pub(super) partitions: Vec<Partition>,
    /// Wakes every subscription, after an append and after a change of a group's members.
    pub(super) changed: Notify,
    /// Where the next record without a key goes.
    pub(super) turn: AtomicU32,
    folder: PathBuf,
    groups: Mutex<BTreeMap<String, Arc<Group>>>,
}

pub(super) struct Partition {
    pub(super) journal: Mutex<Journal>,
    pub(super) view: JournalView,
}

impl Topic {
    /// Makes a topic in `topics`. The description is written last and atomically: a folder without one is no topic.
    pub(super) fn create(
        topics: &Path,
        name: &str,
        partitions: u32,
        options: Options,
    ) -> Result<Topic, StreamError> {
        let folder = topics.join(name);
        let topic = Topic::open_partitions(&folder, name, partitions, options)?;
        let path = folder.join("topic.json");
        let description = serde_json::to_vec(&Description {
            format: FORMAT,
            partitions,
        });
        let description = description.map_err(|_| StreamError::BadTopicFile { path: path.clone() })?;
        replace_file(&path, &description, SyncMode::Disk).map_err(StreamError::Open)?;
        Ok(topic)
    }

    fn open_partitions(
        folder: &Path,
        name: &str,
        partitions: u32,
        options: Options,
    ) -> Result<Topic, StreamError> {
        let mut journals = Vec::new();
        for partition in 0..partitions {
            let opened = Journal::open(folder.join(format!("p-{partition:05}")), options);
            let topic = name.to_owned();
            let journal = opened.map_err(|source| StreamError::Journal {
                topic,
                partition,
                source,
            })?;
            let view = journal.view();
            journals.push(Partition {
                journal: Mutex::new(journal),
                view,
            });
        }
        Ok(Topic {
            name: name.into(),
            partitions: journals,
            changed: Notify::new(),
            turn: AtomicU32::new(0),
            folder: folder.to_path_buf(),
            groups: Mutex::default(),
        })
    }

    pub(super) fn partition(&self, partition: u32) -> Result<&Partition, StreamError> {
        self.partitions
            .get(partition as usize)
            .ok_or_else(|| StreamError::UnknownPartition {
                topic: self.name.to_string(),
                partition,
                partitions: self.partitions.len() as u32,
            })
    }

    pub(super) fn journal_error(&self, partition: u32, source: JournalError) -> StreamError {
        StreamError::Journal {
            topic: self.name.to_string(),
            partition,
            source,
        }
    }

    /// The group of that name, known from this process or from its file, or new.
    pub(super) fn group(&self, name: &str) -> Result<Arc<Group>, StreamError> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(name) {
            return Ok(Arc::clone(group));
        }
        let offsets = OffsetFile::open(&self.folder.join("groups").join(name))?;
        let group = Arc::new(Group::new(offsets, self.partitions.len()));
        groups.insert(name.to_owned(), Arc::clone(&group));
        Ok(group)
    }
}

/// Opens every topic in the folder `topics`.
pub(super) fn open_all(topics: &Path, options: Options) -> Result<BTreeMap<String, Arc<Topic>>, StreamError> {
    let failed = |source| StreamError::io("list", topics)(source);
    let mut opened = BTreeMap::new();
    for entry in fs::read_dir(topics).map_err(failed)? {
        let folder = entry.map_err(failed)?.path();
        let path = folder.join("topic.json");
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if check_name("topic", name).is_err() || !path.exists() {
            continue;
        }
        let text = fs::read(&path).map_err(StreamError::io("read", &path))?;
        let description = serde_json::from_slice::<Description>(&text).ok();
        let partitions = match description {
            Some(Description {
                format: FORMAT,
                partitions: partitions @ 1..,
            }) => partitions,
            _ => return Err(StreamError::BadTopicFile { path }),
        };
        let topic = Topic::open_partitions(&folder, name, partitions, options)?;
        opened.insert(name.to_owned(), Arc::new(topic));
    }
    Ok(opened)
}
