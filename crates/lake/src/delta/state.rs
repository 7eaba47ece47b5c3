//! What a table holds at one version: the replay of its log.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};

use crate::delta::action::{Action, Add, Metadata, PROTOCOL, Protocol, Remove, Txn};
use crate::error::LakeError;
use crate::offsets::{Offsets, read_app_id};

/// Removed files are remembered this long: until well after our own vacuum has seen them, and so that those of other
/// tools can tell them from files in flight.
const TOMBSTONE_MS: i64 = 30 * 86_400_000;
/// Who has not looked at the log for this long may have slept through its retention, and asks the checkpoint hint first.
const OLD_AFTER: Duration = Duration::from_secs(600);

/// The replay of a log up to `version`.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub version: u64,
    pub protocol: Option<Protocol>,
    pub metadata: Option<Metadata>,
    pub files: BTreeMap<String, Add>,
    pub removed: BTreeMap<String, Remove>,
    pub txns: BTreeMap<String, Txn>,
    /// The newest checkpoint known to exist.
    pub checkpoint: Option<u64>,
    /// When this version was last known to be the newest.
    pub looked: Option<Instant>,
}

impl State {
    /// Takes the actions of one commit, or of a checkpoint.
    pub(crate) fn apply(&mut self, actions: impl IntoIterator<Item = Action>) -> Result<(), LakeError> {
        for action in actions {
            match action {
                Action::Protocol(protocol) => self.protocol = Some(checked(protocol)?),
                Action::MetaData(metadata) => self.metadata = Some(metadata),
                Action::Txn(txn) => {
                    self.txns.insert(txn.app_id.clone(), txn);
                }
                Action::Add(add) => {
                    self.removed.remove(&add.path);
                    self.files.insert(add.path.clone(), add);
                }
                Action::Remove(remove) => {
                    self.files.remove(&remove.path);
                    self.removed.insert(remove.path.clone(), remove);
                }
                Action::CommitInfo(_) => {}
            }
        }
        Ok(())
    }

    /// Whether the log may have gone on, and its next commits away, since it was looked at.
    pub(crate) fn is_old(&self) -> bool {
        self.looked.is_none_or(|looked| looked.elapsed() >= OLD_AFTER)
    }

    /// Where each topic-partition stands.
    pub(crate) fn offsets(&self) -> Offsets {
        (self.txns.values())
            .filter_map(|txn| Some((read_app_id(&txn.app_id)?, u64::try_from(txn.version).ok()?)))
            .collect()
    }

    /// Everything a checkpoint at `now_ms` has to say.
    pub(crate) fn actions(&self, now_ms: i64) -> Vec<Action> {
        let mut actions: Vec<Action> = Vec::with_capacity(2 + self.txns.len() + self.files.len());
        actions.extend(self.protocol.clone().map(Action::Protocol));
        actions.extend(self.metadata.clone().map(Action::MetaData));
        actions.extend(self.txns.values().cloned().map(Action::Txn));
        actions.extend(self.files.values().cloned().map(Action::Add));
        let fresh = |remove: &&Remove| remove.deletion_timestamp.unwrap_or(0) > now_ms - TOMBSTONE_MS;
        actions.extend(self.removed.values().filter(fresh).cloned().map(Action::Remove));
        actions
    }
}

fn checked(protocol: Protocol) -> Result<Protocol, LakeError> {
    if protocol.min_reader_version > PROTOCOL.min_reader_version
        || protocol.min_writer_version > PROTOCOL.min_writer_version
    {
        return Err(LakeError::Protocol {
            reader: protocol.min_reader_version,
            writer: protocol.min_writer_version,
        });
    }
    Ok(protocol)
}
