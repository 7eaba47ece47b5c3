//! Rows waiting for one lake commit, and the positions that commit will carry.

use std::time::Instant;

use anyhow::Context;
use ceteris_contract::time::Timestamp;
use ceteris_lake::{Offsets, Row, Table};

/// A buffer in front of one lake table. The table's own positions are those of record.
pub(crate) struct Sink<R: Row> {
    table: Table<R>,
    topic: &'static str,
    rows: Vec<R>,
    committed: Offsets,
    next: Offsets,
    waiting_since: Option<Instant>,
}

impl<R: Row> Sink<R> {
    pub(crate) fn new(table: Table<R>, topic: &'static str) -> Self {
        Sink {
            table,
            topic,
            rows: Vec::new(),
            committed: Offsets::new(),
            next: Offsets::new(),
            waiting_since: None,
        }
    }

    /// Takes a partition over: its position is the table's.
    pub(crate) async fn assign(&mut self, partition: u32) -> anyhow::Result<u64> {
        let key = (self.topic.to_owned(), partition);
        let offsets = self.table.offsets().await.context("read the lake's positions")?;
        match offsets.get(&key) {
            Some(next) => {
                self.committed.insert(key.clone(), *next);
                self.next.insert(key, *next);
                Ok(*next)
            }
            None => Ok(0),
        }
    }

    /// Moves a partition's position past a record, with the row it became, if any. A record that the table has taken in
    /// already is skipped.
    pub(crate) fn take(&mut self, partition: u32, offset: u64, row: impl FnOnce() -> Option<R>) {
        let next = self.next.entry((self.topic.to_owned(), partition)).or_insert(0);
        if offset < *next {
            return;
        }
        *next = offset + 1;
        self.rows.extend(row());
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since
    }

    /// Commits what waits, with its positions, and answers the number of rows.
    pub(crate) async fn commit(&mut self, now: Timestamp) -> anyhow::Result<u64> {
        if self.waiting_since.is_none() {
            return Ok(0);
        }
        let rows = std::mem::take(&mut self.rows);
        let count = rows.len() as u64;
        self.table
            .append(rows, &self.next, &self.committed, now)
            .await
            .context("commit to the lake")?;
        self.committed = self.next.clone();
        self.waiting_since = None;
        Ok(count)
    }
}
