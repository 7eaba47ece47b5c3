//! A record as Kafka carries it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};

use crate::record::{ConsumedRecord, NewRecord};

/// Holds a timestamp that Kafka cannot: it counts milliseconds, from 1 on. Never seen outside this file.
const TIMESTAMP_US: &str = "ceteris_timestamp_us";

/// The timestamp Kafka keeps, and whether a header has to hold the exact one.
fn kept(timestamp_us: i64) -> (i64, bool) {
    let ms = timestamp_us.div_euclid(1000);
    // librdkafka takes 0 for "now", and brokers refuse times before 1970.
    (ms.max(1), ms < 1 || timestamp_us.rem_euclid(1000) != 0)
}

/// Milliseconds since 1970 for a record whose time is given.
pub(super) fn timestamp_ms(record: &NewRecord) -> Option<i64> {
    record.timestamp_us.map(|given| kept(given).0)
}

/// The headers, with ours where the timestamp needs it.
pub(super) fn headers(record: &NewRecord) -> Option<OwnedHeaders> {
    let exact = record.timestamp_us.filter(|given| kept(*given).1);
    if record.headers.is_empty() && exact.is_none() {
        return None;
    }
    let mut headers = OwnedHeaders::new_with_capacity(record.headers.len() + 1);
    for (key, value) in &record.headers {
        headers = headers.insert(Header {
            key,
            value: Some(&value[..]),
        });
    }
    if let Some(exact) = exact {
        headers = headers.insert(Header {
            key: TIMESTAMP_US,
            value: Some(&exact.to_le_bytes()[..]),
        });
    }
    Some(headers)
}

/// Reads messages into records that share one piece of memory.
pub(super) struct Reader {
    topic: Arc<str>,
    bytes: BytesMut,
    parts: Vec<Part>,
}

/// A record whose bytes still lie in the shared piece.
struct Part {
    partition: u32,
    offset: u64,
    timestamp_us: i64,
    key: Option<usize>,
    headers: Vec<(String, usize)>,
    payload: usize,
}

impl Reader {
    pub(super) fn new(topic: Arc<str>) -> Reader {
        Reader {
            topic,
            bytes: BytesMut::new(),
            parts: Vec::new(),
        }
    }

    pub(super) fn records(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes a message in; false if it is no record of ours: a header's name is not UTF-8.
    #[must_use]
    pub(super) fn take(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let begin = self.bytes.len();
        let key = message.key().map(|key| self.put(key));
        let mut timestamp_us = message.timestamp().to_millis().unwrap_or(0).saturating_mul(1000);
        let mut headers = Vec::new();
        if let Some(given) = message.headers() {
            headers.reserve(given.count());
            for index in 0..given.count() {
                // The binding panics on a name that is not UTF-8, which anyone may produce.
                let read = catch_unwind(AssertUnwindSafe(|| given.try_get(index)));
                let Ok(header) = read else {
                    self.bytes.truncate(begin);
                    return false;
                };
                let Some(Header { key, value }) = header else {
                    continue;
                };
                let value = value.unwrap_or_default();
                match <[u8; 8]>::try_from(value) {
                    Ok(exact) if key == TIMESTAMP_US => timestamp_us = i64::from_le_bytes(exact),
                    _ => headers.push((key.to_owned(), self.put(value))),
                }
            }
        }
        let payload = self.put(message.payload().unwrap_or_default());
        self.parts.push(Part {
            partition: message.partition().unsigned_abs(),
            offset: message.offset().unsigned_abs(),
            timestamp_us,
            key,
            headers,
            payload,
        });
        true
    }

    fn put(&mut self, bytes: &[u8]) -> usize {
        self.bytes.extend_from_slice(bytes);
        bytes.len()
    }

    /// The records taken in.
    pub(super) fn finish(self) -> Vec<ConsumedRecord> {
        let mut bytes = self.bytes.freeze();
        let mut cut = |length: usize| -> Bytes { bytes.split_to(length) };
        let topic = self.topic;
        self.parts
            .into_iter()
            .map(|part| ConsumedRecord {
                topic: topic.clone(),
                partition: part.partition,
                offset: part.offset,
                timestamp_us: part.timestamp_us,
                key: part.key.map(&mut cut),
                headers: part
                    .headers
                    .into_iter()
                    .map(|(name, length)| (name, cut(length)))
                    .collect(),
                payload: cut(part.payload),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_milliseconds_cannot_hold_needs_a_header() {
        assert_eq!(kept(1_700_000_000_123_000), (1_700_000_000_123, false));
        assert_eq!(kept(1_700_000_000_123_456), (1_700_000_000_123, true));
        assert_eq!(kept(0), (1, true));
        assert_eq!(kept(-3), (1, true));
        assert_eq!(kept(i64::MIN).0, 1);
    }
}
