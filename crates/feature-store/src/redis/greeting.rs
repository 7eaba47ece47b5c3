//! What each new connection is asked before it is used: whether this Redis was made for our partitions, and whether it may
//! evict what it holds.

use std::sync::Arc;

use ceteris_redis_link::redis::aio::MultiplexedConnection;
use ceteris_redis_link::redis::{InfoDict, RedisResult, cmd};
use ceteris_redis_link::{Greeting, LinkError};
use futures::FutureExt;

use super::keys::Keys;

/// Version of keys, markers and blobs.
const LAYOUT: u32 = 1;

/// The greeting of readers, who find out, or of owners, who also write down what was not said yet.
pub(super) fn greeting(keys: &Keys, partitions: u16, owner: bool) -> Greeting {
    let key = keys.layout();
    Arc::new(move |connection| {
        let key = key.clone();
        async move {
            refuse_eviction(connection.clone()).await?;
            let found = layout(connection, &key, partitions, owner)
                .await
                .map_err(LinkError::Failed)?;
            match found {
                Some(found) if found != wanted(partitions) => {
                    Err(LinkError::Refused(mismatch(&found, partitions)))
                }
                _ => Ok(()),
            }
        }
        .boxed()
    })
}

fn wanted(partitions: u16) -> String {
    format!("layout {LAYOUT} partitions {partitions}")
}

fn mismatch(found: &str, partitions: u16) -> String {
    let ours = found.strip_prefix(&format!("layout {LAYOUT} partitions "));
    match ours {
        Some(stored) => {
            format!("it was made for {stored} partitions, not for {partitions}; rebuild it in an empty one")
        }
        None => format!("it holds `{found}`, which this build cannot read; rebuild it in an empty one"),
    }
}

/// What the store says it was made for; says so first if `write` and nobody has.
async fn layout(
    mut connection: MultiplexedConnection,
    key: &str,
    partitions: u16,
    write: bool,
) -> RedisResult<Option<String>> {
    if write {
        cmd("SETNX")
            .arg(key)
            .arg(wanted(partitions))
            .query_async::<()>(&mut connection)
            .await?;
    }
    cmd("GET").arg(key).query_async(&mut connection).await
}

/// A blob that was evicted would be taken for a new unit's, and its defaults for the truth.
async fn refuse_eviction(mut connection: MultiplexedConnection) -> Result<(), LinkError> {
    let info: InfoDict = cmd("INFO")
        .arg("memory")
        .query_async(&mut connection)
        .await
        .map_err(LinkError::Failed)?;
    let bounded = info.get::<u64>("maxmemory").is_some_and(|bytes| bytes > 0);
    match info.get::<String>("maxmemory_policy") {
        Some(policy) if bounded && policy != "noeviction" => Err(LinkError::Refused(format!(
            "its maxmemory-policy is {policy}, and an evicted unit would be taken for a new one; set noeviction, and \
             give the features a redis of their own"
        ))),
        _ => Ok(()),
    }
}
