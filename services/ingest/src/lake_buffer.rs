//! One lake table as a place that records go to: rows waiting for a commit, and the positions that commit will carry.
//!
//! The table's own positions are those of record. Where a commit fails, its rows are dropped, not kept: the partitions
//! are left, attached anew once the lake answers, and read again from the position of record. So a lake that is away
//! takes no memory, and a commit whose outcome is unknown is never repeated blindly.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use anyhow::anyhow;
use ceteris_chassis::backoff::Backoff;
use ceteris_contract::time::Timestamp;
use ceteris_lake::{LakeError, Offsets, Row, Table};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::Config;
use crate::metrics::Metrics;
use crate::trouble::{Trouble, backoff};

/// How long a full buffer waits for the commit in front of it. Then the lake counts as away and the buffer is dropped,
/// so that the features do not wait for it too.
const COMMIT_PATIENCE: Duration = Duration::from_secs(20);
/// How often due writes are looked for while nothing arrives.
const TICK: Duration = Duration::from_millis(100);

/// A buffer in front of one lake table.
pub(crate) struct LakeBuffer<R: Row> {
    table: Table<R>,
    topic: &'static str,
    parts: BTreeMap<u32, Part<R>>,
    rows: usize,
    bytes: usize,
    waiting_since: Option<Instant>,
    commit: Option<Commit>,
    metrics: Metrics,
}

/// A partition this worker holds.
struct Part<R> {
    retry: Backoff,
    /// None while it is left.
    following: Option<Following<R>>,
}

struct Following<R> {
    rows: Vec<R>,
    bytes: usize,
    committed: Option<u64>,
    next: u64,
}

/// A commit on its way.
struct Commit {
    next: BTreeMap<u32, u64>,
    rows: u64,
    task: JoinHandle<Result<u64, LakeError>>,
}

/// A commit that has ended.
struct Ended {
    next: BTreeMap<u32, u64>,
    rows: u64,
    result: Result<u64, Trouble>,
}

impl<R: Row> LakeBuffer<R> {
    pub(crate) fn new(table: Table<R>, topic: &'static str, metrics: Metrics) -> Self {
        LakeBuffer {
            table,
            topic,
            parts: BTreeMap::new(),
            rows: 0,
            bytes: 0,
            waiting_since: None,
            commit: None,
            metrics,
        }
    }

    /// Takes a partition over; it is attached at the next [`attach`](Self::attach).
    pub(crate) fn hold(&mut self, partition: u32) {
        let part = Part {
            retry: backoff(),
            following: None,
        };
        self.parts.insert(partition, part);
    }

    /// Lets a partition go, with what waits.
    pub(crate) fn release(&mut self, partition: u32) {
        self.leave(partition);
        self.parts.remove(&partition);
    }

    /// Attaches partitions that are due, and tells the positions of record to read them from.
    pub(crate) async fn attach(&mut self) -> anyhow::Result<Vec<(u32, u64)>> {
        // What a commit on its way will do to the positions is not known yet.
        let due = |part: &Part<R>| part.following.is_none() && part.retry.is_due();
        if self.commit.is_some() || !self.parts.values().any(due) {
            return Ok(Vec::new());
        }
        let offsets = match self.table.offsets().await {
            Ok(offsets) => offsets,
            Err(error) => {
                self.retry_left(error.into(), "attach the lake")?;
                return Ok(Vec::new());
            }
        };
        let mut starts = Vec::new();
        for (partition, part) in self.parts.iter_mut().filter(|(_, part)| due(part)) {
            let committed = offsets.get(&(self.topic.to_owned(), *partition)).copied();
            let next = committed.unwrap_or(0);
            starts.push((*partition, next));
            part.following = Some(Following {
                rows: Vec::new(),
                bytes: 0,
                committed,
                next,
            });
        }
        Ok(starts)
    }

    /// The lake as a whole is in trouble: every partition that is left is tried again later.
    fn retry_left(&mut self, trouble: Trouble, operation: &'static str) -> anyhow::Result<()> {
        let code = trouble.weigh(&mut backoff(), operation)?;
        self.metrics.retries.with_label_values(&["lake", code]).inc();
        for part in self.parts.values_mut().filter(|part| part.following.is_none()) {
            part.retry.failed();
        }
        Ok(())
    }

    /// The offset of the record to be taken next; none while the partition is left.
    pub(crate) fn next(&self, partition: u32) -> Option<u64> {
        Some(self.parts.get(&partition)?.following.as_ref()?.next)
    }

    /// The position of record, as far as known here.
    pub(crate) fn committed(&self, partition: u32) -> Option<u64> {
        self.parts.get(&partition)?.following.as_ref()?.committed
    }

    /// Moves a partition's position past a record of `bytes`, with the row it became, if any.
    pub(crate) fn take(
        &mut self,
        partition: u32,
        offset: u64,
        bytes: usize,
        row: impl FnOnce() -> Option<R>,
    ) {
        let following = self
            .parts
            .get_mut(&partition)
            .and_then(|part| part.following.as_mut());
        let Some(following) = following.filter(|following| following.next <= offset) else {
            return;
        };
        following.next = offset + 1;
        if let Some(row) = row() {
            following.rows.push(row);
            following.bytes += bytes;
            self.rows += 1;
            self.bytes += bytes;
        }
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// Stops following a partition; what waits is dropped, and will be read again.
    fn leave(&mut self, partition: u32) {
        if let Some(following) = self
            .parts
            .get_mut(&partition)
            .and_then(|part| part.following.take())
        {
            self.rows -= following.rows.len();
            self.bytes -= following.bytes;
        }
    }

    /// Begins a commit where one is due, and waits for one that is in the way of a full buffer.
    pub(crate) async fn commit_if_due(
        &mut self,
        config: &Config,
        caught_up: bool,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let full = self.rows >= config.commit_rows || self.bytes >= config.commit_bytes;
        if full && self.commit.is_some() {
            match timeout(COMMIT_PATIENCE, self.ended()).await {
                Ok(ended) => self.settle(ended)?,
                Err(_) => {
                    let held: Vec<u32> = self.parts.keys().copied().collect();
                    held.into_iter().for_each(|partition| self.leave(partition));
                    let slow = anyhow!("a commit takes longer than {} s", COMMIT_PATIENCE.as_secs());
                    self.retry_left(Trouble::away(slow), "commit to the lake")?;
                }
            }
        }
        let waited = self.waiting_since.map_or(Duration::ZERO, |since| since.elapsed());
        if full || (caught_up && waited >= config.commit_interval) {
            self.begin(now);
        }
        Ok(())
    }

    /// Commits what waits, and waits for it.
    pub(crate) async fn finish(&mut self, now: Timestamp) -> anyhow::Result<()> {
        // The first may be on its way already, and the second then takes what came after it.
        for _ in 0..2 {
            self.begin(now);
            if self.commit.is_some() {
                let ended = self.ended().await;
                self.settle(ended)?;
            }
        }
        Ok(())
    }

    /// Sends off what waits, unless a commit is on its way.
    fn begin(&mut self, now: Timestamp) {
        if self.commit.is_some() {
            return;
        }
        self.waiting_since = None;
        let (mut rows, mut next, mut expected) =
            (Vec::with_capacity(self.rows), Offsets::new(), Offsets::new());
        let mut moved = BTreeMap::new();
        for (partition, part) in &mut self.parts {
            let Some(following) = &mut part.following else {
                continue;
            };
            if following.next == following.committed.unwrap_or(0) {
                continue;
            }
            let key = (self.topic.to_owned(), *partition);
            if let Some(committed) = following.committed {
                expected.insert(key.clone(), committed);
            }
            next.insert(key, following.next);
            moved.insert(*partition, following.next);
            rows.append(&mut following.rows);
            following.bytes = 0;
        }
        (self.rows, self.bytes) = (0, 0);
        if moved.is_empty() {
            return;
        }
        let table = self.table.clone();
        self.commit = Some(Commit {
            next: moved,
            rows: rows.len() as u64,
            task: tokio::spawn(async move { table.append(rows, &next, &expected, now).await }),
        });
    }

    /// Returns when a commit has ended and was taken over, or when it is time to look what is due. Cancel-safe.
    pub(crate) async fn wake(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            ended = self.ended() => self.settle(ended),
            () = sleep(TICK) => Ok(()),
        }
    }

    /// Waits for the commit on its way; without one, for ever. Cancel-safe.
    async fn ended(&mut self) -> Ended {
        let Some(commit) = &mut self.commit else {
            return pending().await;
        };
        let result = match (&mut commit.task).await {
            Ok(result) => result.map_err(Trouble::from),
            Err(error) => Err(Trouble::halt(anyhow!(error).context("a lake commit ended early"))),
        };
        let (next, rows) = match self.commit.take() {
            Some(commit) => (commit.next, commit.rows),
            None => (BTreeMap::new(), 0),
        };
        Ended { next, rows, result }
    }

    /// Takes over what became of a commit. After a failure its partitions are left.
    fn settle(&mut self, ended: Ended) -> anyhow::Result<()> {
        let table = R::TABLE;
        match ended.result {
            Ok(_) => {
                for (partition, next) in ended.next {
                    if let Some(part) = self.parts.get_mut(&partition) {
                        part.retry.succeeded();
                        if let Some(following) = &mut part.following {
                            following.committed = Some(next);
                        }
                    }
                }
                self.metrics
                    .lake_rows
                    .with_label_values(&[table])
                    .inc_by(ended.rows);
                self.metrics.lake_commits.with_label_values(&[table]).inc();
                Ok(())
            }
            Err(trouble) => {
                let moved = trouble.moved_partition();
                ended.next.keys().for_each(|partition| self.leave(*partition));
                if let Some(part) = moved.and_then(|partition| self.parts.get_mut(&partition)) {
                    // The others of this commit are not at fault, and go on at once.
                    let code = trouble.weigh(&mut part.retry, "commit to the lake")?;
                    self.metrics.retries.with_label_values(&["lake", code]).inc();
                    return Ok(());
                }
                self.retry_left(trouble, "commit to the lake")
            }
        }
    }
}
