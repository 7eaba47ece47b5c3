//! One Delta table of the lake: creating it, appending to it, pinning a version of it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use ceteris_contract::time::Timestamp;
use ceteris_objects::{Created, ObjectError, Objects};
use object_store::ObjectStore;
use object_store::path::Path;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::commit::{OwnOffsets, land};
use crate::delta::action::{Action, CommitInfo, Format, Metadata, PROTOCOL, Txn, write_actions};
use crate::delta::log::Log;
use crate::delta::schema::{PARTITION_COLUMNS, schema_string};
use crate::delta::state::State;
use crate::error::LakeError;
use crate::offsets::{Offsets, app_id};
use crate::partition::write_files;
use crate::row::Row;
use crate::snapshot::Snapshot;

/// The table property that holds the number of buckets.
const BUCKETS: &str = "ceteris.buckets";

/// A table of rows `R`. Clones share what they know of the log, and their commits queue behind one another.
#[derive(Debug)]
pub struct Table<R> {
    pub(crate) inner: Arc<Inner>,
    row: PhantomData<fn() -> R>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub log: Log,
    pub buckets: u16,
    /// The newest version this handle has seen.
    pub state: Mutex<State>,
    /// When the last vacuum ended.
    pub vacuumed: Mutex<Option<Instant>>,
}

impl<R> Clone for Table<R> {
    fn clone(&self) -> Self {
        Table {
            inner: self.inner.clone(),
            row: PhantomData,
        }
    }
}

impl<R: Row> Table<R> {
    /// Opens the table, and creates it where it is missing.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        prefix: &Path,
        buckets: u16,
        now: Timestamp,
    ) -> Result<Self, LakeError> {
        let log = Log {
            objects: Objects::new(store, prefix.clone().join(R::TABLE)),
        };
        let state = match log.newest().await? {
            Some(state) => state,
            None => create::<R>(&log, buckets, now).await?,
        };
        let table = Self::of(log, state)?;
        if table.inner.buckets != buckets {
            return Err(LakeError::BucketsMismatch {
                asked: buckets,
                found: table.inner.buckets,
            });
        }
        Ok(table)
    }

    /// Opens the table that is there.
    pub(crate) async fn load(store: Arc<dyn ObjectStore>, prefix: &Path) -> Result<Self, LakeError> {
        let log = Log {
            objects: Objects::new(store, prefix.clone().join(R::TABLE)),
        };
        match log.newest().await? {
            Some(state) => Self::of(log, state),
            None => Err(LakeError::NoTable {
                path: log.objects.root().to_string(),
            }),
        }
    }

    fn of(log: Log, state: State) -> Result<Self, LakeError> {
        let buckets = buckets_of(&log, &state)?;
        let inner = Inner {
            log,
            buckets,
            state: Mutex::new(state),
            vacuumed: Mutex::new(None),
        };
        Ok(Table {
            inner: Arc::new(inner),
            row: PhantomData,
        })
    }

    /// Number of buckets.
    pub fn buckets(&self) -> u16 {
        self.inner.buckets
    }

    /// Lands `rows` and moves the offsets of record to `next`, both or neither; tells the version that holds them.
    ///
    /// `expected` says where this writer left its topic-partitions; one that it does not name must not be in the table
    /// yet. `rows` may be empty. Encoding runs on the runtime's blocking pool; `now` dates files and commit.
    ///
    /// # Errors
    /// [`LakeError::Fenced`]: another writer owns a topic-partition; stop. After any other error the outcome is
    /// unknown: read [`Table::offsets`] before going on.
    pub async fn append(
        &self,
        rows: Vec<R>,
        next: &Offsets,
        expected: &Offsets,
        now: Timestamp,
    ) -> Result<u64, LakeError> {
        let now_ms = now.0.div_euclid(1000);
        if next.is_empty() {
            return match rows.is_empty() {
                true => Ok(self.inner.state.lock().await.version),
                false => Err(LakeError::NoOffsets),
            };
        }
        let label = format!("{expected:?}>{next:?}");
        let adds = write_files(&self.inner.log, rows, self.inner.buckets, &label, now_ms).await?;
        let mut actions = vec![Action::CommitInfo(CommitInfo::new("WRITE", now_ms))];
        actions.extend(next.iter().map(|((topic, partition), next)| {
            Action::Txn(Txn {
                app_id: app_id(topic, *partition),
                version: i64::try_from(*next).unwrap_or(i64::MAX),
                last_updated: Some(now_ms),
            })
        }));
        actions.extend(adds.into_iter().map(Action::Add));
        let mut state = self.inner.state.lock().await;
        let version = land(
            &self.inner.log,
            &mut state,
            &actions,
            &OwnOffsets { expected, next },
        )
        .await?;
        self.checkpoint(&mut state, now_ms).await;
        Ok(version)
    }

    /// A checkpoint that fails fails nothing: the next commit tries again.
    pub(crate) async fn checkpoint(&self, state: &mut State, now_ms: i64) {
        if let Err(error) = self.inner.log.checkpoint_if_due(state, now_ms).await {
            tracing::warn!(
                lake.table = R::TABLE,
                lake.version = state.version,
                error = &error as &dyn std::error::Error,
                "checkpoint not written"
            );
        }
    }

    /// Where each topic-partition stands in the newest version.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn offsets(&self) -> Result<Offsets, LakeError> {
        let mut state = self.inner.state.lock().await;
        self.inner.log.refresh(&mut state).await?;
        Ok(state.offsets())
    }

    /// The table at `version`, or at its newest.
    ///
    /// # Errors
    /// [`LakeError::NoVersion`] where there is no such version.
    pub async fn snapshot(&self, version: Option<u64>) -> Result<Snapshot<R>, LakeError> {
        let mut state = self.inner.state.lock().await;
        match version {
            Some(version) if version < state.version => {
                drop(state);
                Snapshot::of(&self.inner.log, &self.inner.log.at(version).await?)
            }
            None => {
                self.inner.log.refresh(&mut state).await?;
                Snapshot::of(&self.inner.log, &state)
            }
            Some(version) => {
                self.inner.log.advance(&mut state, Some(version)).await?;
                match state.version == version {
                    true => Snapshot::of(&self.inner.log, &state),
                    false => Err(LakeError::NoVersion { version }),
                }
            }
        }
    }
}

/// Puts version 0; where another creator was faster, its table is the table.
async fn create<R: Row>(log: &Log, buckets: u16, now: Timestamp) -> Result<State, LakeError> {
    let now_ms = now.0.div_euclid(1000);
    let metadata = Metadata {
        id: table_id(log.objects.root(), now),
        name: Some(R::TABLE.to_owned()),
        format: Format {
            provider: "parquet".to_owned(),
            options: BTreeMap::new(),
        },
        schema_string: schema_string(&R::schema()),
        partition_columns: PARTITION_COLUMNS.map(str::to_owned).to_vec(),
        configuration: BTreeMap::from([(BUCKETS.to_owned(), buckets.to_string())]),
        created_time: Some(now_ms),
    };
    let body = write_actions(&[
        Action::CommitInfo(CommitInfo::new("CREATE TABLE", now_ms)),
        Action::Protocol(PROTOCOL),
        Action::MetaData(metadata),
    ])
    .map_err(|source| LakeError::encode("a commit", source))?;
    match log.create_commit(0, body.into()).await {
        Ok(Created::Same | Created::Other(_)) => {}
        Err(ObjectError::NotWritten { source, .. }) => return Err(log.failed("create")(source).into()),
        Err(error) => return Err(error.into()),
    }
    log.newest().await?.ok_or_else(|| LakeError::NoTable {
        path: log.objects.root().to_string(),
    })
}

/// A table's id need only differ from other tables' ids; taken from place and time, it replays.
fn table_id(root: &Path, now: Timestamp) -> String {
    let digest = Sha256::digest(format!("{root}@{}", now.0));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn buckets_of(log: &Log, state: &State) -> Result<u16, LakeError> {
    let foreign = |detail: &str| LakeError::ForeignTable {
        path: log.objects.root().to_string(),
        detail: detail.to_owned(),
    };
    let metadata = state
        .metadata
        .as_ref()
        .ok_or_else(|| foreign("it has no metadata"))?;
    if metadata.partition_columns != PARTITION_COLUMNS {
        return Err(foreign("it is not partitioned by dt and bucket"));
    }
    (metadata.configuration.get(BUCKETS))
        .and_then(|buckets| buckets.parse().ok())
        .ok_or_else(|| foreign("its configuration lacks ceteris.buckets"))
}
