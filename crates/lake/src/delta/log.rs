//! The log of one table in an object store: reading versions, putting commits, finding the newest.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};

use crate::delta::action::read_actions;
use crate::delta::checkpoint;
use crate::delta::checkpoint_read;
use crate::delta::state::State;
use crate::error::LakeError;

/// A checkpoint follows every so many commits: opening reads at most this many small files.
const CHECKPOINT_EVERY: u64 = 100;

/// `_last_checkpoint`: a hint where to start; the log stays the truth.
#[derive(Serialize, Deserialize)]
struct LastCheckpoint {
    version: u64,
    size: u64,
}

/// A table's folder in a store.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub store: Arc<dyn ObjectStore>,
    pub root: Path,
}

impl Log {
    /// The object at `relative`, a clean slash-separated path below the table.
    pub(crate) fn path(&self, relative: &str) -> Path {
        relative
            .split('/')
            .fold(self.root.clone(), |path, part| path.join(part))
    }

    /// The object an `add` action names.
    pub(crate) fn data_path(&self, encoded: &str) -> Result<Path, LakeError> {
        let relative = Path::from_url_path(encoded).map_err(|source| LakeError::MalformedLog {
            path: encoded.to_owned(),
            source: source.into(),
        })?;
        Ok(self.path(relative.as_ref()))
    }

    fn commit_path(&self, version: u64) -> Path {
        self.path(&format!("_delta_log/{version:020}.json"))
    }

    fn checkpoint_path(&self, version: u64) -> Path {
        self.path(&format!("_delta_log/{version:020}.checkpoint.parquet"))
    }

    /// The object's bytes, or none.
    pub(crate) async fn get(&self, path: &Path) -> Result<Option<Bytes>, LakeError> {
        let failed = |source| LakeError::Store {
            what: "read",
            path: path.to_string(),
            source,
        };
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// The body of a commit, or none.
    pub(crate) async fn read_commit(&self, version: u64) -> Result<Option<Bytes>, LakeError> {
        self.get(&self.commit_path(version)).await
    }

    /// Puts a commit if its version is free.
    pub(crate) async fn put_commit(&self, version: u64, body: Bytes) -> Result<(), object_store::Error> {
        let options = PutOptions::from(PutMode::Create);
        self.store
            .put_opts(&self.commit_path(version), body.into(), options)
            .await
            .map(|_| ())
    }

    /// Puts an object, whatever was there.
    pub(crate) async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), LakeError> {
        let failed = |source| LakeError::Store {
            what: "write",
            path: path.to_string(),
            source,
        };
        self.store
            .put(path, bytes.into())
            .await
            .map(|_| ())
            .map_err(failed)
    }

    /// Takes the commits after `state` until there are no more, or `until` is reached.
    pub(crate) async fn advance(&self, state: &mut State, until: Option<u64>) -> Result<(), LakeError> {
        while until.is_none_or(|until| state.version < until) {
            let next = state.version + 1;
            let Some(body) = self.read_commit(next).await? else {
                break;
            };
            self.take(state, next, &body)?;
        }
        Ok(())
    }

    /// Takes one commit.
    pub(crate) fn take(&self, state: &mut State, version: u64, body: &[u8]) -> Result<(), LakeError> {
        let actions = read_actions(body).map_err(|source| LakeError::MalformedLog {
            path: self.commit_path(version).to_string(),
            source: source.into(),
        })?;
        state.apply(actions)?;
        state.version = version;
        Ok(())
    }

    /// The newest state, or none without a table.
    pub(crate) async fn newest(&self) -> Result<Option<State>, LakeError> {
        if let Some(hint) = self.last_checkpoint().await?
            && let Some(mut state) = self.read_checkpoint(hint).await?
        {
            self.advance(&mut state, None).await?;
            return Ok(Some(state));
        }
        self.replay(None).await
    }

    /// The state at `version`, from the newest checkpoint at or before it.
    pub(crate) async fn at(&self, version: u64) -> Result<State, LakeError> {
        match self.replay(Some(version)).await? {
            Some(state) if state.version == version => Ok(state),
            _ => Err(LakeError::NoVersion { version }),
        }
    }

    async fn replay(&self, until: Option<u64>) -> Result<Option<State>, LakeError> {
        let mut start = None;
        for checkpoint in self.checkpoints().await?.into_iter().rev() {
            if until.is_none_or(|until| checkpoint <= until) {
                start = self.read_checkpoint(checkpoint).await?;
            }
            if start.is_some() {
                break;
            }
        }
        let mut state = match start {
            Some(state) => state,
            None => {
                let Some(body) = self.read_commit(0).await? else {
                    return Ok(None);
                };
                let mut state = State::default();
                self.take(&mut state, 0, &body)?;
                state
            }
        };
        self.advance(&mut state, until).await?;
        Ok(Some(state))
    }

    async fn last_checkpoint(&self) -> Result<Option<u64>, LakeError> {
        let found = self.get(&self.path("_delta_log/_last_checkpoint")).await?;
        // A hint that cannot be read is no hint; the folder's listing tells as much.
        Ok(found
            .and_then(|body| serde_json::from_slice::<LastCheckpoint>(&body).ok())
            .map(|hint| hint.version))
    }

    /// Versions with a checkpoint in one file, ascending.
    async fn checkpoints(&self) -> Result<Vec<u64>, LakeError> {
        let folder = self.path("_delta_log");
        let failed = |source| LakeError::Store {
            what: "list",
            path: folder.to_string(),
            source,
        };
        let names: Vec<_> = self
            .store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(failed)?;
        let mut versions: Vec<u64> = (names.iter())
            .filter_map(|meta| {
                meta.location
                    .filename()?
                    .strip_suffix(".checkpoint.parquet")?
                    .parse()
                    .ok()
            })
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    async fn read_checkpoint(&self, version: u64) -> Result<Option<State>, LakeError> {
        let path = self.checkpoint_path(version);
        let Some(bytes) = self.get(&path).await? else {
            return Ok(None);
        };
        let actions = checkpoint_read::decode(bytes).map_err(|source| LakeError::MalformedLog {
            path: path.to_string(),
            source,
        })?;
        let mut state = State {
            version,
            checkpoint: Some(version),
            ..State::default()
        };
        state.apply(actions)?;
        Ok(Some(state))
    }

    /// Writes a checkpoint of `state` if one is due. The commit stands whether or not this succeeds.
    pub(crate) async fn checkpoint_if_due(&self, state: &mut State, now_ms: i64) -> Result<(), LakeError> {
        if state.version - state.checkpoint.unwrap_or(0) < CHECKPOINT_EVERY {
            return Ok(());
        }
        let actions = state.actions(now_ms);
        let size = actions.len() as u64;
        let bytes = tokio::task::spawn_blocking(move || checkpoint::encode(&actions))
            .await
            .map_err(|source| LakeError::Worker { source })??;
        self.put(&self.checkpoint_path(state.version), bytes).await?;
        let hint = serde_json::to_vec(&LastCheckpoint {
            version: state.version,
            size,
        })
        .map_err(|source| LakeError::encode("a checkpoint hint", source))?;
        self.put(&self.path("_delta_log/_last_checkpoint"), hint.into())
            .await?;
        state.checkpoint = Some(state.version);
        Ok(())
    }
}
