//! Landing a commit: put it if its version is free, tell a conflict from a fence, settle a lost reply.

use bytes::Bytes;
use ceteris_objects::{Created, ObjectError, race_pause};

use crate::delta::action::{Action, write_actions};
use crate::delta::log::Log;
use crate::delta::state::State;
use crate::error::LakeError;
use crate::offsets::{Offsets, app_id};

/// Conflicts in a row before a commit gives up. With back-off this is about ten seconds of losing every race.
const CONFLICTS_MAX: u32 = 100;
/// Puts without an answer before a commit gives up; its outcome is then unknown.
const FAILURES_MAX: u32 = 3;

/// What a commit wants of the table besides a free version.
pub(crate) trait Precondition: Sync {
    /// Whether the commit may still land on this state.
    fn check(&self, state: &State) -> Result<(), LakeError>;
}

/// The writer's topic-partitions stand where it left them.
pub(crate) struct OwnOffsets<'a> {
    pub expected: &'a Offsets,
    pub next: &'a Offsets,
}

impl Precondition for OwnOffsets<'_> {
    fn check(&self, state: &State) -> Result<(), LakeError> {
        let keys = self
            .expected
            .keys()
            .chain(self.next.keys().filter(|key| !self.expected.contains_key(key)));
        for key in keys {
            let (topic, partition) = (key.0.clone(), key.1);
            let expected = self.expected.get(key).copied();
            let found = state
                .txns
                .get(&app_id(&topic, partition))
                .and_then(|txn| u64::try_from(txn.version).ok());
            if expected != found {
                return Err(LakeError::Fenced {
                    topic,
                    partition,
                    expected,
                    found,
                });
            }
            if let (Some(from), Some(&to)) = (found, self.next.get(key))
                && to < from
            {
                return Err(LakeError::OffsetMovesBack {
                    topic,
                    partition,
                    from,
                    to,
                });
            }
        }
        Ok(())
    }
}

/// Lands `actions` as the next version of the table and takes them into `state`.
///
/// The body is the same at every attempt, so a version that holds it is ours, whatever the store answered.
pub(crate) async fn land(
    log: &Log,
    state: &mut State,
    actions: &[Action],
    precondition: &dyn Precondition,
) -> Result<u64, LakeError> {
    let body = write_actions(actions).map_err(|source| LakeError::encode("a commit", source))?;
    let body = Bytes::from(body);
    if state.is_old() || precondition.check(state).is_err() {
        // What we know may be old: only the newest version can refuse a writer, and only behind it is a version free.
        log.refresh(state).await?;
    }
    let (mut conflicts, mut failures) = (0, 0);
    loop {
        precondition.check(state)?;
        let version = state.version + 1;
        match log.create_commit(version, body.clone()).await {
            Ok(Created::Same) => {
                log.take(state, version, &body)?;
                return Ok(version);
            }
            Ok(Created::Other(found)) => {
                log.take(state, version, &found)?;
                log.advance(state, None).await?;
                conflicts += 1;
            }
            Err(ObjectError::NotWritten { source, .. }) => {
                failures += 1;
                if failures >= FAILURES_MAX {
                    return Err(log.failed("commit to")(source).into());
                }
            }
            Err(error) => return Err(error.into()),
        }
        if conflicts >= CONFLICTS_MAX {
            return Err(LakeError::Contended { attempts: conflicts });
        }
        tokio::time::sleep(race_pause(&body, conflicts + failures)).await;
    }
}
