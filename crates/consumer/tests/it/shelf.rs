//! A sink in memory: what it holds durably is shared with the test, the rest dies with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ceteris_consumer::{Aside, Sink};
use ceteris_stream::ConsumedRecord;

/// What is durable. Clones share it.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Durable>>);

#[derive(Default)]
pub struct Durable {
    /// By partition, where it stands.
    pub positions: BTreeMap<u32, u64>,
    /// Partition, offset and content of everything written, in order.
    pub rows: Vec<(u32, u64, String)>,
    /// Records that were taken so far.
    pub taken: usize,
    /// Nothing is answered.
    pub away: bool,
    /// What waits is written only at the end.
    pub lazy: bool,
}

impl Shelf {
    pub fn look(&self) -> MutexGuard<'_, Durable> {
        self.0.lock().unwrap()
    }

    /// A sink over it.
    pub fn sink(&self) -> ShelfSink {
        ShelfSink {
            shelf: self.clone(),
            held: BTreeMap::new(),
        }
    }
}

pub struct ShelfSink {
    shelf: Shelf,
    held: BTreeMap<u32, Option<Following>>,
}

struct Following {
    position: u64,
    next: u64,
    rows: Vec<(u32, u64, String)>,
}

impl ShelfSink {
    /// Writes what waits; a partition whose position another writer moved is left.
    fn write(&mut self, partitions: &[u32]) {
        let mut durable = self.shelf.look();
        for (partition, held) in &mut self.held {
            let Some(following) = held.as_mut().filter(|_| partitions.contains(partition)) else {
                continue;
            };
            let stands = durable.positions.get(partition).copied().unwrap_or(0);
            if durable.away || stands != following.position {
                *held = None;
                continue;
            }
            durable.rows.append(&mut following.rows);
            durable.positions.insert(*partition, following.next);
            following.position = following.next;
        }
    }
}

impl Sink for ShelfSink {
    const DEAD_LETTERS: bool = true;

    fn assigned(&mut self, partition: u32) {
        self.held.insert(partition, None);
    }

    fn released(&mut self, partition: u32) {
        self.held.remove(&partition);
    }

    async fn attach(&mut self) -> anyhow::Result<()> {
        let durable = self.shelf.look();
        for (partition, held) in self.held.iter_mut().filter(|_| !durable.away) {
            if held.is_none() {
                let position = durable.positions.get(partition).copied().unwrap_or(0);
                *held = Some(Following {
                    position,
                    next: position,
                    rows: Vec::new(),
                });
            }
        }
        Ok(())
    }

    fn next(&self, partition: u32) -> Option<u64> {
        Some(self.held.get(&partition)?.as_ref()?.next)
    }

    async fn take(&mut self, records: Vec<ConsumedRecord>, aside: &mut Aside) -> anyhow::Result<()> {
        self.shelf.look().taken += records.len();
        for record in records {
            let (partition, offset) = (record.partition, record.offset);
            let Some(following) = self.held.get_mut(&partition).and_then(Option::as_mut) else {
                continue;
            };
            assert_eq!(following.next, offset, "reading stands where the sink said");
            following.next = offset + 1;
            let text = String::from_utf8(record.payload.to_vec()).unwrap();
            match text.starts_with("bad") {
                true => aside.letter(&record, "bad", "it says so itself"),
                false => following.rows.push((partition, offset, text)),
            }
        }
        Ok(())
    }

    fn pass(&mut self, _partition: u32, _offset: u64, _detail: &str, _aside: &mut Aside) {}

    async fn write_due(&mut self, _caught_up: bool, _aside: &mut Aside) -> anyhow::Result<()> {
        if !self.shelf.look().lazy {
            let partitions: Vec<u32> = self.held.keys().copied().collect();
            self.write(&partitions);
        }
        Ok(())
    }

    async fn drain(&mut self, partitions: &[u32], _aside: &mut Aside) -> anyhow::Result<()> {
        self.write(partitions);
        Ok(())
    }

    async fn wake(&mut self) -> anyhow::Result<()> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(())
    }

    fn durable(&self, partition: u32) -> Option<u64> {
        Some(self.held.get(&partition)?.as_ref()?.position)
    }
}
