//! One partition's share: the position, and the records that wait for the next write.

use std::time::Duration;

use ceteris_contract::record::DECISION_SCHEMA_VERSION;
use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_store::{Batch, Logged};
use ceteris_stream::ConsumedRecord;
use tokio::time::Instant;

use crate::Config;

/// A partition that this worker reads.
#[derive(Default)]
pub(crate) struct Held {
    /// Where the store stands; none until it said so.
    pub(crate) position: Option<u64>,
    /// Behind the last record taken.
    next: u64,
    records: Vec<Logged>,
    /// The records as they came, side by side with `records`.
    origins: Vec<ConsumedRecord>,
    bytes: usize,
    oldest: Option<Instant>,
}

/// A record that cannot be stored, and why.
pub(crate) struct Refused {
    pub(crate) record: ConsumedRecord,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl Held {
    /// Goes on from `position`; what waited is forgotten, for the log has it.
    pub(crate) fn start_at(&mut self, position: u64) {
        *self = Held {
            position: Some(position),
            next: position,
            ..Held::default()
        };
    }

    /// The offset to read next; none while the position is not known.
    pub(crate) fn next(&self) -> Option<u64> {
        self.position.map(|_| self.next)
    }

    /// Moves past an offset. False where it is behind already, or nobody asked for it.
    pub(crate) fn pass(&mut self, offset: u64) -> bool {
        if self.position.is_none() || offset < self.next {
            return false;
        }
        self.next = offset + 1;
        self.oldest.get_or_insert_with(Instant::now);
        true
    }

    /// Takes a record that came, unless it cannot be read.
    pub(crate) fn take(&mut self, record: ConsumedRecord) -> Result<(), Box<Refused>> {
        if !self.pass(record.offset) {
            return Ok(());
        }
        self.bytes += record.payload.len();
        match read(&record) {
            Ok(logged) => {
                self.records.push(logged);
                self.origins.push(record);
                Ok(())
            }
            Err((code, detail)) => Err(Box::new(Refused { record, code, detail })),
        }
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When what waits is to be written at the latest.
    pub(crate) fn deadline(&self, interval: Duration) -> Option<Instant> {
        self.oldest.map(|oldest| oldest + interval)
    }

    /// True where what waits is enough for a write.
    pub(crate) fn is_full(&self, config: &Config) -> bool {
        self.records.len() >= config.rows_max || self.bytes >= config.bytes_max
    }

    /// What waits, to be written.
    pub(crate) fn batch(&mut self, partition: u32) -> Option<Batch> {
        let expected_next = self.position?;
        (self.next > expected_next).then(|| Batch {
            topic: CAUSAL_DECISIONS.to_owned(),
            partition,
            expected_next,
            next: self.next,
            records: std::mem::take(&mut self.records),
        })
    }

    /// Takes back what was not written.
    pub(crate) fn put_back(&mut self, batch: Batch) {
        self.records = batch.records;
    }

    /// Gives up the records that the store refuses, by their places in ascending order.
    pub(crate) fn refuse(&mut self, refused: Vec<(usize, String)>) -> Vec<Refused> {
        let mut given_up = Vec::with_capacity(refused.len());
        for (at, detail) in refused.into_iter().rev() {
            if at < self.records.len() {
                self.records.remove(at);
                given_up.push(Refused {
                    record: self.origins.remove(at),
                    code: "decision_not_storable",
                    detail,
                });
            }
        }
        given_up
    }
}

fn read(record: &ConsumedRecord) -> Result<Logged, (&'static str, String)> {
    if let Some(version) = record.header(headers::SCHEMA)
        && version.as_ref() != DECISION_SCHEMA_VERSION.as_bytes()
    {
        let version = String::from_utf8_lossy(version).into_owned();
        return Err((
            "decision_version",
            format!("schema version {version} is not one this build reads"),
        ));
    }
    Logged::read(&record.payload).map_err(|error| ("decision_not_readable", error.to_string()))
}
