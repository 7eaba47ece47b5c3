//! The partitions held: where reading stands, whether it is paused, and whether it has seen the end.

use std::collections::BTreeMap;

use anyhow::Context;
use ceteris_stream::{ConsumedRecord, StreamError, Subscription};

/// The partitions of one consumer.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    held: BTreeMap<u32, Partition>,
}

#[derive(Debug, Default)]
struct Partition {
    /// The offset of the next record that comes; none until a position of record said where to begin.
    position: Option<u64>,
    /// Nothing comes until it is resumed.
    paused: bool,
    /// The end was reached since the last seek.
    caught_up: bool,
}

impl Partitions {
    pub(crate) fn hold(&mut self, partition: u32) {
        self.held.insert(partition, Partition::default());
    }

    pub(crate) fn release(&mut self, partition: u32) {
        self.held.remove(&partition);
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.held.keys().copied().collect()
    }

    /// Moves past records that came. Those of partitions that are not held are dropped.
    pub(crate) fn keep_held(&mut self, records: &mut Vec<ConsumedRecord>) {
        records.retain(|record| self.passed(record.partition, record.offset));
    }

    /// Moves past an offset. False where the partition is not held.
    pub(crate) fn passed(&mut self, partition: u32, offset: u64) -> bool {
        let held = self.held.get_mut(&partition);
        held.is_some_and(|held| {
            held.position = Some(offset + 1);
            true
        })
    }

    pub(crate) fn reached_the_end(&mut self, partition: u32) {
        if let Some(held) = self.held.get_mut(&partition) {
            held.caught_up = true;
        }
    }

    pub(crate) fn are_caught_up(&self) -> bool {
        self.held.values().all(|held| held.caught_up)
    }

    /// Moves the reading of a partition to `next`, or pauses it. False where the log says that it is another worker's.
    pub(crate) fn read_on(
        &mut self,
        partition: u32,
        next: Option<u64>,
        subscription: &mut dyn Subscription,
    ) -> anyhow::Result<bool> {
        let Some(held) = self.held.get_mut(&partition) else {
            return Ok(true);
        };
        match held.read_on(partition, next, subscription) {
            Ok(()) => Ok(true),
            Err(StreamError::NotAssigned { .. }) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("seek, pause or resume partition {partition}")),
        }
    }
}

impl Partition {
    fn read_on(
        &mut self,
        partition: u32,
        next: Option<u64>,
        subscription: &mut dyn Subscription,
    ) -> Result<(), StreamError> {
        if next.is_some() && next != self.position {
            subscription.seek(partition, next.unwrap_or_default())?;
            self.position = next;
            self.caught_up = false;
        }
        match (next.is_none(), self.paused) {
            (true, false) => subscription.pause(partition)?,
            (false, true) => subscription.resume(partition)?,
            _ => {}
        }
        self.paused = next.is_none();
        Ok(())
    }
}
