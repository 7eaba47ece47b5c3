//! Records that are set aside: they wait here until the log has taken them, and no position passes them before.

use bytes::Bytes;
use ceteris_contract::topics::headers;
use ceteris_stream::{
    ConsumedRecord, Disposition, EventLog, HasDisposition, NewRecord, StreamError, dead_letter,
};

/// What waits to be produced: dead letters, and records that belong elsewhere.
#[derive(Debug)]
pub struct Aside {
    dead_letters: String,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// The partition it was read from.
    partition: u32,
    topic: String,
    record: NewRecord,
}

impl Aside {
    pub(crate) fn new(dead_letters: String) -> Aside {
        Aside {
            dead_letters,
            waiting: Vec::new(),
        }
    }

    /// Sets a record aside as a dead letter, with a code and a sentence that say why.
    pub fn letter(&mut self, record: &ConsumedRecord, code: &str, detail: &str) {
        let letter = dead_letter(record, code, detail);
        self.push(record.partition, self.dead_letters.clone(), letter);
    }

    /// A dead letter for an offset that holds nothing that could be kept.
    pub fn letter_without_record(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
        code: &'static str,
        detail: &str,
    ) {
        let letter = NewRecord::unkeyed(Vec::new())
            .header(headers::REASON, code)
            .header(headers::DETAIL, detail.to_owned())
            .header(headers::ORIGIN, format!("{topic}/{partition}/{offset}"));
        self.push(partition, self.dead_letters.clone(), letter);
    }

    /// Sends a record that was read from `partition` to a topic.
    pub fn forward(&mut self, partition: u32, topic: &str, record: NewRecord) {
        self.push(partition, topic.to_owned(), record);
    }

    fn push(&mut self, partition: u32, topic: String, record: NewRecord) {
        self.waiting.push(Waiting {
            partition,
            topic,
            record,
        });
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The partition is another worker's, who sets aside for itself.
    pub(crate) fn forget(&mut self, partition: u32) {
        self.waiting.retain(|waiting| waiting.partition != partition);
    }

    /// Produces what waits, in order. What is still there after an error was not acknowledged.
    pub(crate) async fn send(&mut self, log: &dyn EventLog) -> Result<(), StreamError> {
        while let Some(first) = self.waiting.first() {
            let of_one_topic = self
                .waiting
                .iter()
                .take_while(|waiting| waiting.topic == first.topic);
            let records: Vec<NewRecord> = of_one_topic.map(|waiting| waiting.record.clone()).collect();
            let count = records.len();
            match log.produce(&first.topic, records).await {
                Ok(_) => drop(self.waiting.drain(..count)),
                // One of them is larger than the log takes.
                Err(error) if error.disposition() == Disposition::Park => {
                    for _ in 0..count {
                        self.send_first(log).await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Produces the first alone, with less and less of it where it is too large.
    async fn send_first(&mut self, log: &dyn EventLog) -> Result<(), StreamError> {
        while let Some(first) = self.waiting.first_mut() {
            match log.produce(&first.topic, vec![first.record.clone()]).await {
                Ok(_) => {
                    self.waiting.remove(0);
                    return Ok(());
                }
                Err(error) if error.disposition() == Disposition::Park && cut(&mut first.record) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Takes away what makes a record too large: the payload, then everything but the reason, for the origin tells where the
/// record itself lies. False where nothing is left to take.
fn cut(record: &mut NewRecord) -> bool {
    let before = record.bytes();
    if record.payload.is_empty() {
        let ours = [headers::REASON, headers::DETAIL, headers::ORIGIN];
        record.key = None;
        record.headers.retain(|(name, _)| ours.contains(&name.as_str()));
    } else {
        record.payload = Bytes::new();
    }
    record.bytes() < before
}
