//! Decisions' reads: those that arrive while one round trip is under way go together in the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ceteris_contract::identity::UnitKey;
use ceteris_redis_link::redis::{RedisResult, pipe};
use ceteris_redis_link::{Link, LinkError};
use tokio::sync::{mpsc, oneshot};

use super::keys::Keys;
use super::marker::Stored;
use crate::port::Slot;

/// What one round trip says of a unit: its slot's marker, if there is one, and its blob, if it is of the marker's epoch.
pub(super) type Answer = Result<Option<(Stored, Option<Bytes>)>, Arc<str>>;

/// One read on its way.
pub(super) struct Asked {
    pub(super) slot: Slot,
    pub(super) unit: UnitKey,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// Serves reads until their senders are gone.
pub(super) async fn serve(
    link: Arc<Link>,
    keys: Keys,
    together_max: usize,
    mut asked: mpsc::Receiver<Asked>,
) {
    let mut batch = Vec::with_capacity(together_max);
    while asked.recv_many(&mut batch, together_max).await > 0 {
        // Those who gave up meanwhile need no answer.
        batch.retain(|read| !read.reply.is_closed());
        if !batch.is_empty() {
            round_trip(&link, &keys, &mut batch).await;
        }
    }
}

async fn round_trip(link: &Link, keys: &Keys, batch: &mut Vec<Asked>) {
    let mut by_slot: BTreeMap<Slot, Vec<Asked>> = BTreeMap::new();
    for read in batch.drain(..) {
        by_slot.entry(read.slot).or_default().push(read);
    }
    // One MGET for each slot: its marker and its blobs are of one instant.
    let mut pipeline = pipe();
    for (slot, reads) in &by_slot {
        let marker = keys.marker(*slot);
        let mget = pipeline.cmd("MGET").arg(&marker);
        for read in reads {
            mget.arg(Keys::blob(&marker, read.unit));
        }
    }
    let replies = link
        .call(async |mut connection| -> RedisResult<Vec<Vec<Option<Vec<u8>>>>> {
            pipeline.query_async(&mut connection).await
        })
        .await;
    match replies {
        Ok(replies) => {
            for (reads, reply) in by_slot.into_values().zip(replies) {
                tell(reads, reply);
            }
        }
        Err(error) => {
            let failure: Arc<str> = describe(&error).into();
            for read in by_slot.into_values().flatten() {
                let _ = read.reply.send(Err(Arc::clone(&failure)));
            }
        }
    }
}

/// Answers the reads of one slot; the marker is the first of the reply.
fn tell(reads: Vec<Asked>, reply: Vec<Option<Vec<u8>>>) {
    let mut reply = reply.into_iter();
    let marker = reply.next().flatten();
    let stored = marker.as_deref().map(Stored::read);
    for (read, blob) in reads.into_iter().zip(reply) {
        let answer = match stored {
            None => Ok(None),
            Some(None) => Err("a partition's marker cannot be read by this build".into()),
            Some(Some(stored)) => Ok(Some((stored, blob.and_then(|blob| stored.epoch.strip(blob))))),
        };
        // The reader may have given up.
        let _ = read.reply.send(answer);
    }
}

/// The error and its causes in one line.
pub(super) fn describe(error: &LinkError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
