//! Decision records to store: those of a simulated shop, again and again under new ids.

use std::path::Path;

use anyhow::Context;
use ceteris_contract::duration::Span;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_decide::ids;
use ceteris_store::{DecisionStore, Logged, SqliteStore};

/// Different records.
const SAMPLE: u32 = 1_000;
/// Between two decisions.
const EVERY: Span = Span(100);

/// The problem that they are of, so that they are known for what they are.
pub(crate) const PROBLEM: &str = "ceteris-bench";

pub(crate) struct Records {
    sample: Vec<DecisionRecord>,
    taken: u64,
    bytes: u64,
    now: Timestamp,
}

impl Records {
    /// Reads the decisions of a folder that a demo has filled.
    pub(crate) async fn open(folder: &Path) -> anyhow::Result<Records> {
        let store = SqliteStore::open(&folder.join("decisions.sqlite")).await;
        let store = store.context("open the world's decisions")?;
        let logged = store.decisions(Timestamp(0), None, SAMPLE).await;
        let sample: Vec<DecisionRecord> = logged
            .context("read the world's decisions")?
            .into_iter()
            .map(Logged::into_record)
            .collect();
        store.close().await;
        let now = sample.last().context("the world has no decisions")?.decided_at;
        Ok(Records {
            sample,
            taken: 0,
            bytes: 0,
            now,
        })
    }

    /// The next `count`, each a decision of its own.
    pub(crate) fn take(&mut self, count: u64) -> anyhow::Result<Vec<Logged>> {
        let mut records = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let mut record = self.sample[self.taken as usize % self.sample.len()].clone();
            self.taken += 1;
            self.now = self.now.plus(EVERY);
            record.decision_id = ids::fresh(self.now).to_string();
            record.decided_at = self.now;
            record.problem = PROBLEM.to_owned();
            let logged = Logged::write(&record).context("write a record")?;
            self.bytes += logged.text().len() as u64;
            records.push(logged);
        }
        Ok(records)
    }

    /// How long the text of a record is.
    pub(crate) fn bytes_mean(&self) -> u64 {
        self.bytes / self.taken.max(1)
    }
}
