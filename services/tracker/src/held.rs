//! One partition's share: the position, the records that wait for the next write, and what of them cannot be stored.

use std::time::{Duration, Instant};

use ceteris_contract::record::DECISION_SCHEMA_VERSION;
use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_store::{Batch, Logged};
use ceteris_stream::{ConsumedRecord, NewRecord, dead_letter};

use crate::Config;

/// A partition that this worker reads.
pub(crate) struct Held {
    /// Where the store stands; none until it said so.
    pub(crate) position: Option<u64>,
    /// Nothing comes until it is resumed.
    pub(crate) paused: bool,
    /// Behind the last record taken.
    next: u64,
    records: Vec<Logged>,
    /// The records as they came, side by side with `records`.
    origins: Vec<ConsumedRecord>,
    /// What is set aside before the position passes it.
    letters: Vec<NewRecord>,
    bytes: usize,
    oldest: Option<Instant>,
}

impl Held {
    /// A partition whose position is not known yet.
    pub(crate) fn new() -> Held {
        Held {
            position: None,
            paused: false,
            next: 0,
            records: Vec::new(),
            origins: Vec::new(),
            letters: Vec::new(),
            bytes: 0,
            oldest: None,
        }
    }

    /// Goes on from `position`; what waited is forgotten, for the log has it.
    pub(crate) fn start_at(&mut self, position: u64) {
        *self = Held {
            position: Some(position),
            next: position,
            paused: self.paused,
            ..Held::new()
        };
    }

    /// Takes a record that came; those before the position were asked for by nobody.
    pub(crate) fn take(&mut self, record: ConsumedRecord) {
        if self.position.is_none() || record.offset < self.next {
            return;
        }
        self.next = record.offset + 1;
        self.bytes += record.payload.len();
        self.oldest.get_or_insert_with(Instant::now);
        match read(&record) {
            Ok(logged) => {
                self.records.push(logged);
                self.origins.push(record);
            }
            Err((code, detail)) => self.letters.push(dead_letter(&record, code, &detail)),
        }
    }

    /// Passes an offset that holds nothing to take, with a letter that says so.
    pub(crate) fn pass(&mut self, partition: u32, offset: u64, detail: &str) {
        if self.position.is_none() || offset < self.next {
            return;
        }
        self.next = offset + 1;
        self.oldest.get_or_insert_with(Instant::now);
        let origin = format!("{CAUSAL_DECISIONS}/{partition}/{offset}");
        let letter = NewRecord::unkeyed(Vec::new())
            .header(headers::REASON, "not_a_record")
            .header(headers::DETAIL, detail.to_owned())
            .header(headers::ORIGIN, origin);
        self.letters.push(letter);
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
        self.records.len() + self.letters.len() >= config.rows_max || self.bytes >= config.bytes_max
    }

    /// What waits, to be written; the letters are sent before.
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

    /// The letters that wait.
    pub(crate) fn take_letters(&mut self) -> Vec<NewRecord> {
        std::mem::take(&mut self.letters)
    }

    /// Takes back letters that were not sent.
    pub(crate) fn put_back_letters(&mut self, letters: Vec<NewRecord>) {
        self.letters = letters;
    }

    /// Turns records that the store refuses, by their places in ascending order, into letters.
    pub(crate) fn refuse(&mut self, refused: &[(usize, String)]) {
        for (at, detail) in refused.iter().rev() {
            if *at < self.records.len() {
                self.records.remove(*at);
                let origin = self.origins.remove(*at);
                self.letters
                    .push(dead_letter(&origin, "decision_not_storable", detail));
            }
        }
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
