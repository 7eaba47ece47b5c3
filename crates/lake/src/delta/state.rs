//! What a table holds at one version: the replay of its log.

use std::collections::BTreeMap;

use crate::delta::action::{Action, Add, Metadata, PROTOCOL, Protocol, Remove, Txn};
use crate::error::LakeError;
use crate::offsets::{Offsets, read_app_id};

/// Removed files are remembered this long, so that vacuums of other tools can tell them from files in flight.
const TOMBSTONE_MS: i64 = 7 * 86_400_000;

/// The replay of a log up to `version`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub version: u64,
    pub protocol: Option<Protocol>,
    pub metadata: Option<Metadata>,
    pub files: BTreeMap<String, Add>,
    pub removed: BTreeMap<String, Remove>,
    pub txns: BTreeMap<String, Txn>,
    /// The newest checkpoint known to exist.
    pub checkpoint: Option<u64>,
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
