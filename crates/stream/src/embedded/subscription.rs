//! A member of a group: positions, fetching, and the order in which it is told things.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use ceteris_journal::{Entry, JournalError, Reader};

use super::EmbeddedOptions;
use super::codec;
use super::group::{Change, Group};
use super::topic::Topic;
use crate::error::StreamError;
use crate::log::{Message, Subscription};
use crate::record::ConsumedRecord;

pub(super) struct EmbeddedSubscription {
    topic: Arc<Topic>,
    group: Arc<Group>,
    member: u64,
    held: BTreeMap<u32, Position>,
    /// Reported as revoked by the last call of `next`, held until the coming one.
    leaving: Vec<u32>,
    /// The partition whose turn it is to be fetched first, so that a busy one cannot starve the others.
    turn: u32,
    records_max: usize,
    bytes_max: usize,
}

struct Position {
    reader: Reader,
    paused: bool,
    /// The end that was last announced; a position is announced once.
    announced: Option<u64>,
    /// Set by an assignment or a seek until the segment's index reaches to the position.
    far: bool,
}

impl Position {
    fn go_to(&mut self, offset: u64) {
        self.reader.seek(offset);
        self.announced = None;
        self.far = true;
    }
}

impl fmt::Debug for EmbeddedSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: Vec<_> = self.held.keys().collect();
        f.debug_struct("EmbeddedSubscription")
            .field("topic", &self.topic.name)
            .field("held", &held)
            .finish()
    }
}

impl EmbeddedSubscription {
    pub(super) fn join(
        topic: Arc<Topic>,
        group: Arc<Group>,
        options: &EmbeddedOptions,
    ) -> EmbeddedSubscription {
        let member = group.join();
        topic.changed.notify_waiters();
        EmbeddedSubscription {
            topic,
            group,
            member,
            held: BTreeMap::new(),
            leaving: Vec::new(),
            turn: 0,
            records_max: options.fetch_records_max.max(1),
            bytes_max: options.fetch_bytes_max,
        }
    }

    /// Finding an offset in a segment that this process has not read yet walks through it, up to 16 MiB. That is done on
    /// a blocking thread, for its traces alone: it leaves an index, from which the reads in `step` start. So nothing is
    /// lost if the wait is dropped, and errors may wait for the read that counts.
    async fn approach(&mut self) {
        let far = self.held.iter().filter(|(_, position)| position.far);
        let places: Vec<_> = far
            .map(|(&partition, position)| {
                let view = self.topic.partitions[partition as usize].view.clone();
                (view, position.reader.next_offset())
            })
            .collect();
        if places.is_empty() {
            return;
        }
        let walk = move || {
            for (view, offset) in places {
                if offset < view.end_offset() {
                    let _ = view.reader(offset).read(1, 0);
                }
            }
        };
        let _ = tokio::task::spawn_blocking(walk).await;
        self.held.values_mut().for_each(|position| position.far = false);
    }

    /// The next message if there is one now. Everything is done by the time it returns, so that nothing hangs between
    /// two awaits. It reads at most `bytes_max`, mostly written lately and still in the page cache: short enough to be
    /// done inline.
    fn step(&mut self) -> Result<Option<Message>, StreamError> {
        match self.group.change(self.member) {
            Some(Change::Revoked(partitions)) => {
                self.held.retain(|partition, _| !partitions.contains(partition));
                self.leaving.clone_from(&partitions);
                return Ok(Some(Message::Revoked(partitions)));
            }
            Some(Change::Assigned(partitions)) => return self.take(partitions).map(Some),
            None => {}
        }
        if let Some(end) = self.reached_end() {
            return Ok(Some(end));
        }
        let records = self.fetch()?;
        Ok((!records.is_empty()).then_some(Message::Records(records)))
    }

    fn take(&mut self, partitions: Vec<u32>) -> Result<Message, StreamError> {
        let mut taken = Vec::with_capacity(partitions.len());
        for &partition in &partitions {
            match self.group.offsets.get(partition) {
                Ok(committed) => taken.push((partition, committed.unwrap_or(0))),
                Err(error) => {
                    // Given back, so that the next call is assigned them again.
                    self.group.release(&partitions);
                    return Err(error);
                }
            }
        }
        for (partition, offset) in taken {
            let view = &self.topic.partitions[partition as usize].view;
            let reader = view.reader(offset.max(view.first_offset()));
            self.held.insert(
                partition,
                Position {
                    reader,
                    paused: false,
                    announced: None,
                    far: true,
                },
            );
        }
        Ok(Message::Assigned(partitions))
    }

    fn reached_end(&mut self) -> Option<Message> {
        for (&partition, position) in self.held.iter_mut().filter(|(_, position)| !position.paused) {
            let next_offset = position.reader.next_offset();
            let end = self.topic.partitions[partition as usize].view.end_offset();
            if next_offset == end && position.announced != Some(end) {
                position.announced = Some(end);
                return Some(Message::EndOfPartition {
                    partition,
                    next_offset,
                });
            }
        }
        None
    }

    fn fetch(&mut self) -> Result<Vec<ConsumedRecord>, StreamError> {
        let mut records = Vec::new();
        let mut bytes = 0;
        let order: Vec<u32> = self
            .held
            .range(self.turn..)
            .chain(self.held.range(..self.turn))
            .map(|(&key, _)| key)
            .collect();
        for partition in order {
            let Some(position) = self.held.get_mut(&partition) else {
                continue;
            };
            if position.paused || records.len() >= self.records_max || bytes >= self.bytes_max {
                continue;
            }
            let entries = read(
                &self.topic,
                partition,
                position,
                self.records_max - records.len(),
                self.bytes_max - bytes,
            );
            let entries = match entries {
                // The next call meets the fault again; what is in hand is delivered first.
                Err(_) if !records.is_empty() => break,
                entries => entries?,
            };
            bytes += entries.iter().map(|entry| entry.payload.len()).sum::<usize>();
            self.turn = partition + 1;
            for Entry { offset, payload } in entries {
                match codec::decode(&self.topic.name, partition, offset, payload) {
                    Some(record) => records.push(record),
                    None if records.is_empty() => {
                        position.reader.seek(offset + 1);
                        let topic = self.topic.name.to_string();
                        return Err(StreamError::NotARecord {
                            topic,
                            partition,
                            offset,
                        });
                    }
                    None => {
                        // Delivered are the records before it; the next call begins with it.
                        position.reader.seek(offset);
                        return Ok(records);
                    }
                }
            }
        }
        Ok(records)
    }

    fn position(&mut self, partition: u32) -> Result<&mut Position, StreamError> {
        let topic = &self.topic.name;
        let missing = || StreamError::NotAssigned {
            topic: topic.to_string(),
            partition,
        };
        self.held.get_mut(&partition).ok_or_else(missing)
    }
}

/// Reads on from a position; where retention has overtaken it, from the oldest record.
fn read(
    topic: &Topic,
    partition: u32,
    position: &mut Position,
    records_max: usize,
    bytes_max: usize,
) -> Result<Vec<Entry>, StreamError> {
    let mut read = position.reader.read(records_max, bytes_max);
    if let Err(JournalError::OffsetOutOfRange { wanted, first, .. }) = read
        && wanted < first
    {
        tracing::warn!(topic = %topic.name, partition, wanted, first, "skipped records that retention dropped");
        position.reader.seek(first);
        read = position.reader.read(records_max, bytes_max);
    }
    read.map_err(|source| topic.journal_error(partition, source))
}

#[async_trait]
impl Subscription for EmbeddedSubscription {
    async fn next(&mut self) -> Result<Message, StreamError> {
        // A consumer far behind never waits; this lets other tasks run all the same.
        tokio::task::coop::consume_budget().await;
        if !self.leaving.is_empty() {
            self.group.release(&self.leaving);
            self.leaving.clear();
            self.topic.changed.notify_waiters();
        }
        self.approach().await;
        let topic = Arc::clone(&self.topic);
        loop {
            // Enabled before the look, so that what changes after the look is not missed.
            let mut changed = pin!(topic.changed.notified());
            changed.as_mut().enable();
            if let Some(message) = self.step()? {
                return Ok(message);
            }
            changed.await;
        }
    }

    fn seek(&mut self, partition: u32, offset: u64) -> Result<(), StreamError> {
        let first = self.topic.partition(partition)?.view.first_offset();
        self.position(partition)?.go_to(offset.max(first));
        Ok(())
    }

    fn pause(&mut self, partition: u32) -> Result<(), StreamError> {
        self.position(partition)?.paused = true;
        Ok(())
    }

    fn resume(&mut self, partition: u32) -> Result<(), StreamError> {
        self.position(partition)?.paused = false;
        Ok(())
    }

    async fn commit(&mut self, partition: u32, next_offset: u64) -> Result<(), StreamError> {
        if !self.leaving.contains(&partition) {
            self.position(partition)?;
        }
        self.group.offsets.set(partition, next_offset)
    }

    async fn committed(&self, partition: u32) -> Result<Option<u64>, StreamError> {
        self.topic.partition(partition)?;
        self.group.offsets.get(partition)
    }
}

impl Drop for EmbeddedSubscription {
    fn drop(&mut self) {
        self.group.leave(self.member);
        self.topic.changed.notify_waiters();
    }
}
