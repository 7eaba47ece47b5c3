//! Records on their way into the log and out of it.

use std::sync::Arc;

use bytes::Bytes;

use crate::log::RECORD_BYTES_MAX;

/// A record to produce.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Chooses the partition (murmur2); records of one key keep their order. Without a key the log chooses.
    pub key: Option<Bytes>,
    /// Names and values, in order; names may repeat.
    pub headers: Vec<(String, Bytes)>,
    /// The content.
    pub payload: Bytes,
    /// Microseconds since 1970; `None` means the log's clock at the append.
    pub timestamp_us: Option<i64>,
    /// A partition to use whatever the key; for redrives and repairs.
    pub partition: Option<u32>,
}

impl NewRecord {
    /// A record whose partition follows from its key.
    pub fn keyed(key: impl Into<Bytes>, payload: impl Into<Bytes>) -> NewRecord {
        NewRecord {
            key: Some(key.into()),
            payload: payload.into(),
            ..NewRecord::default()
        }
    }

    /// A record without a key.
    pub fn unkeyed(payload: impl Into<Bytes>) -> NewRecord {
        NewRecord {
            payload: payload.into(),
            ..NewRecord::default()
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> NewRecord {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the timestamp, microseconds since 1970.
    pub fn at(mut self, timestamp_us: i64) -> NewRecord {
        self.timestamp_us = Some(timestamp_us);
        self
    }

    /// Sets the partition.
    pub fn on(mut self, partition: u32) -> NewRecord {
        self.partition = Some(partition);
        self
    }

    /// Bytes of key, headers and payload together.
    pub fn bytes(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.key.as_ref().map_or(0, Bytes::len) + headers + self.payload.len()
    }

    /// Whether every backend takes it: not too large as a whole, and no more headers, or longer names, than 16 bits
    /// count.
    pub(crate) fn fits(&self) -> bool {
        let narrow = |length: usize| u16::try_from(length).is_ok();
        self.bytes() <= RECORD_BYTES_MAX
            && narrow(self.headers.len())
            && self.headers.iter().all(|(name, _)| narrow(name.len()))
    }
}

/// A record as it was consumed.
///
/// Key, headers and payload share memory with the records fetched beside them; copy what is kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumedRecord {
    /// The topic it lies in.
    pub topic: Arc<str>,
    /// The partition of the topic.
    pub partition: u32,
    /// Its place in the partition, dense from 0.
    pub offset: u64,
    /// Microseconds since 1970: the producer's, else the log's at the append.
    pub timestamp_us: i64,
    /// The key, if it has one.
    pub key: Option<Bytes>,
    /// Names and values, in order.
    pub headers: Vec<(String, Bytes)>,
    /// The content.
    pub payload: Bytes,
}

impl ConsumedRecord {
    /// The last header of that name.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The same record to produce elsewhere, as for a dead-letter topic: same key, headers, payload and timestamp.
    pub fn to_new(&self) -> NewRecord {
        NewRecord {
            key: self.key.clone(),
            headers: self.headers.clone(),
            payload: self.payload.clone(),
            timestamp_us: Some(self.timestamp_us),
            partition: None,
        }
    }
}
