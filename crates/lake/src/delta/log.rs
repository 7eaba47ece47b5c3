//! The log of one table in an object store: reading versions, putting commits, finding the newest.

use bytes::Bytes;
use ceteris_objects::{Created, ObjectError, Objects};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectMeta;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::delta::action::read_actions;
use crate::delta::checkpoint;
use crate::delta::checkpoint_read;
use crate::delta::state::State;
use crate::error::LakeError;

/// A checkpoint follows every so many commits: opening reads at most this many small files.
const CHECKPOINT_EVERY: u64 = 100;

/// Commits read ahead by who is behind: a store's latency is paid once for so many. Who is not behind reads one.
const READ_AHEAD: u64 = 16;

/// `_last_checkpoint`: a hint where to start; the log stays the truth.
#[derive(Serialize, Deserialize)]
struct LastCheckpoint {
    version: u64,
    size: u64,
}

const LAST_CHECKPOINT: &str = "_delta_log/_last_checkpoint";

fn commit_file(version: u64) -> String {
    format!("_delta_log/{version:020}.json")
}

fn checkpoint_file(version: u64) -> String {
    format!("_delta_log/{version:020}.checkpoint.parquet")
}

/// A table's folder in a store.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub objects: Objects,
}

/// A file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub version: u64,
    /// A checkpoint, else a commit.
    pub checkpoint: bool,
    /// When it was written, by the store's clock.
    pub written_ms: i64,
}

impl Entry {
    fn of(meta: &ObjectMeta) -> Option<Entry> {
        let (version, end) = meta.location.filename()?.split_once('.')?;
        Some(Entry {
            version: version.parse().ok()?,
            checkpoint: match end {
                "json" => false,
                "checkpoint.parquet" => true,
                _ => return None,
            },
            written_ms: meta.last_modified.timestamp_millis(),
        })
    }
}

impl Log {
    /// The error of a failed call that is about the table as a whole.
    pub(crate) fn failed(&self, what: &'static str) -> impl Fn(object_store::Error) -> ObjectError + use<> {
        ObjectError::store(what, self.objects.root().to_string())
    }

    /// The object an `add` action names.
    pub(crate) fn data_path(&self, encoded: &str) -> Result<Path, LakeError> {
        let relative = Path::from_url_path(encoded).map_err(|source| LakeError::MalformedLog {
            path: encoded.to_owned(),
            source: source.into(),
        })?;
        Ok(self.objects.path(relative.as_ref()))
    }

    pub(crate) fn entry_path(&self, entry: Entry) -> Path {
        self.objects.path(&match entry.checkpoint {
            true => checkpoint_file(entry.version),
            false => commit_file(entry.version),
        })
    }

    /// The body of a commit, or none.
    async fn read_commit(&self, version: u64) -> Result<Option<Bytes>, ObjectError> {
        self.objects.get(&commit_file(version)).await
    }

    /// Puts a commit if its version is free.
    pub(crate) async fn create_commit(&self, version: u64, body: Bytes) -> Result<Created, ObjectError> {
        self.objects.create(&commit_file(version), body).await
    }

    /// Brings `state` to the newest version.
    pub(crate) async fn refresh(&self, state: &mut State) -> Result<(), LakeError> {
        // The commits that follow an old state may have been vacuumed; their absence would look like the log's end.
        if state.is_old()
            && self
                .last_checkpoint()
                .await?
                .is_some_and(|hint| hint > state.version)
            && let Some(newest) = self.newest().await?
        {
            *state = newest;
            return Ok(());
        }
        self.advance(state, None).await
    }

    /// Takes the commits after `state` until there are no more, or `until` is reached.
    pub(crate) async fn advance(&self, state: &mut State, until: Option<u64>) -> Result<(), LakeError> {
        let mut ahead = 1;
        while until.is_none_or(|until| state.version < until) {
            let last = (state.version + ahead).min(until.unwrap_or(u64::MAX));
            let mut bodies = stream::iter(state.version + 1..=last)
                .map(|version| self.read_commit(version))
                .buffered(READ_AHEAD as usize);
            while let Some(body) = bodies.try_next().await? {
                match body {
                    Some(body) => self.take(state, state.version + 1, &body)?,
                    None => {
                        state.looked = Some(Instant::now());
                        return Ok(());
                    }
                }
            }
            ahead = (ahead * 2).min(READ_AHEAD);
        }
        Ok(())
    }

    /// Takes one commit.
    pub(crate) fn take(&self, state: &mut State, version: u64, body: &[u8]) -> Result<(), LakeError> {
        let actions = read_actions(body).map_err(|source| LakeError::MalformedLog {
            path: self.objects.path(&commit_file(version)).to_string(),
            source: source.into(),
        })?;
        state.apply(actions)?;
        state.version = version;
        state.looked = Some(Instant::now());
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
        let found = self.objects.get(LAST_CHECKPOINT).await?;
        // A hint that cannot be read is no hint; the folder's listing tells as much.
        Ok(found
            .and_then(|body| serde_json::from_slice::<LastCheckpoint>(&body).ok())
            .map(|hint| hint.version))
    }

    /// The commits and single-file checkpoints that lie in the log's folder.
    pub(crate) async fn entries(&self) -> Result<Vec<Entry>, LakeError> {
        let folder = self.objects.path("_delta_log");
        let listed = self.objects.store().list(Some(&folder));
        let entries = listed.try_filter_map(|meta| async move { Ok(Entry::of(&meta)) });
        let entries = entries.try_collect().await;
        Ok(entries.map_err(ObjectError::store("list", folder.to_string()))?)
    }

    /// Versions with a checkpoint, ascending.
    async fn checkpoints(&self) -> Result<Vec<u64>, LakeError> {
        let mut versions: Vec<u64> = (self.entries().await?.iter())
            .filter(|entry| entry.checkpoint)
            .map(|entry| entry.version)
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// Deletes objects; those that are gone already are fine. Tells how many it asked for.
    pub(crate) async fn delete(&self, paths: Vec<Path>) -> Result<usize, LakeError> {
        let asked = paths.len();
        let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.objects.store().delete_stream(paths);
        while let Some(answer) = deleted.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(self.failed("delete from")(source).into()),
            }
        }
        Ok(asked)
    }

    pub(crate) async fn read_checkpoint(&self, version: u64) -> Result<Option<State>, LakeError> {
        let file = checkpoint_file(version);
        let Some(bytes) = self.objects.get(&file).await? else {
            return Ok(None);
        };
        let actions = checkpoint_read::decode(bytes).map_err(|source| LakeError::MalformedLog {
            path: self.objects.path(&file).to_string(),
            source,
        })?;
        let mut state = State {
            version,
            checkpoint: Some(version),
            looked: Some(Instant::now()),
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
        self.objects.put(&checkpoint_file(state.version), bytes).await?;
        let hint = serde_json::to_vec(&LastCheckpoint {
            version: state.version,
            size,
        })
        .map_err(|source| LakeError::encode("a checkpoint hint", source))?;
        self.objects.put(LAST_CHECKPOINT, hint.into()).await?;
        state.checkpoint = Some(state.version);
        Ok(())
    }
}
