//! Decisions that were answered but are not in the store yet: in the spool, or in the log behind the store's position.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_journal::JournalError;
use ceteris_store::DecisionStore;
use ceteris_stream::{EmbeddedLog, EventLog, Message, StreamError};

/// The consumer group of an export; it leaves no position behind.
const GROUP: &str = "export";

/// Every waiting decision of a data folder, in (instant, id) order.
///
/// # Errors
/// Where its spool, its log or the store cannot be read.
pub async fn waiting(folder: &Path, store: &dyn DecisionStore) -> anyhow::Result<Vec<DecisionRecord>> {
    let mut found = BTreeMap::new();
    spooled(folder, &mut found)?;
    logged(folder, store, &mut found).await?;
    Ok(found.into_values().collect())
}

type Found = BTreeMap<(Timestamp, String), DecisionRecord>;

fn spooled(folder: &Path, found: &mut Found) -> anyhow::Result<()> {
    let folder = folder.join("spool");
    if !folder.is_dir() {
        return Ok(());
    }
    ceteris_decide::journal::pending(&folder, |spooled| {
        let record: DecisionRecord = serde_json::from_slice(spooled.payload)
            .with_context(|| format!("decision {} in the spool cannot be read", spooled.decision_id))?;
        found.insert((record.decided_at, record.decision_id.clone()), record);
        Ok(())
    })
    .context("read the spool")
}

/// Reads the log from the store's positions on. A log that a running house holds is left to its tracker, which is
/// milliseconds behind.
async fn logged(folder: &Path, store: &dyn DecisionStore, found: &mut Found) -> anyhow::Result<()> {
    let log = match EmbeddedLog::open(folder.join("log"), Arc::new(|| 0)) {
        Ok(log) => log,
        Err(StreamError::Open(JournalError::Locked { .. })) => return Ok(()),
        Err(error) => return Err(error).context("open the log"),
    };
    if !log.topics().iter().any(|topic| topic == CAUSAL_DECISIONS) {
        return Ok(());
    }
    let ends = log
        .end_offsets(CAUSAL_DECISIONS)
        .await
        .context("read the log's ends")?;
    let mut subscription = log
        .subscribe(CAUSAL_DECISIONS, GROUP)
        .await
        .context("read decisions")?;
    let mut open = Vec::new();
    for (partition, end) in ends.iter().enumerate() {
        let next = store
            .next_offset(CAUSAL_DECISIONS, partition as u32)
            .await
            .context("read positions")?;
        if next < *end {
            open.push((partition as u32, next));
        }
    }
    while !open.is_empty() {
        match subscription.next().await.context("read decisions")? {
            Message::Assigned(partitions) => {
                for partition in partitions {
                    match open.iter().find(|(wanted, _)| *wanted == partition) {
                        Some((_, next)) => subscription.seek(partition, *next).context("read decisions")?,
                        None => subscription.pause(partition).context("read decisions")?,
                    }
                }
            }
            Message::Records(records) => {
                for record in records {
                    // What cannot be read is the tracker's to set aside.
                    if let Ok(record) = serde_json::from_slice::<DecisionRecord>(&record.payload) {
                        found.insert((record.decided_at, record.decision_id.clone()), record);
                    }
                }
            }
            Message::EndOfPartition { partition, .. } => open.retain(|(wanted, _)| *wanted != partition),
            Message::Revoked(_) => {}
        }
    }
    Ok(())
}
