//! The port on Redis: one string a unit, one a slot's marker, every change one script.

mod fence;
mod greeting;
mod keys;
mod marker;
mod options;
mod reader;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::time::Timestamp;
use ceteris_features::SchemaHash;
use ceteris_redis_link::redis::{RedisResult, Script, cmd};
use ceteris_redis_link::{Link, LinkError};
use tokio::sync::{mpsc, oneshot};

use self::fence::{Fences, Known};
use self::greeting::greeting;
use self::keys::Keys;
use self::marker::{Epoch, Stored, owner_text};
use self::reader::{Answer, Asked};
use crate::error::StoreError;
use crate::port::{FeatureStore, Marker, Owner, Read, Slot, Unknown, Write};

pub use options::RedisOptions;

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));
static FLUSH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("flush.lua")));
static RESET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("reset.lua")));
static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sweep.lua")));

/// Blobs of one command of an owner's own read, and keys of one step of a scan.
const STEP: usize = 1_000;
/// The scripts reckon in doubles, which hold every whole number up to here.
const OFFSET_MAX: u64 = 1 << 53;

/// Blobs and markers in Redis.
#[derive(Debug)]
pub struct RedisStore {
    options: RedisOptions,
    keys: Keys,
    /// Decisions' reads.
    reads: Arc<Link>,
    /// Owners' calls.
    writes: Link,
    fences: Fences,
    asked: mpsc::Sender<Asked>,
}

impl RedisStore {
    /// A store in the Redis at `url` (`redis://[:password@]host:port[/database]`). Nothing is asked yet: a Redis that is
    /// away makes reads unknown, and they are answered once it is there. Call it on a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Partitions`], [`StoreError::Prefix`], [`StoreError::Redis`] for what is no address.
    pub fn open(url: &str, options: RedisOptions) -> Result<Self, StoreError> {
        options.check()?;
        let keys = Keys::new(&options.prefix);
        let reads = Arc::new(options.reads(url, greeting(&keys, options.partitions, false))?);
        let writes = options.writes(url, greeting(&keys, options.partitions, true))?;
        let (asked, inbox) = mpsc::channel(options.reads_waiting_max.max(1));
        let together_max = options.reads_together_max.max(1);
        tokio::spawn(reader::serve(
            Arc::clone(&reads),
            keys.clone(),
            together_max,
            inbox,
        ));
        Ok(RedisStore {
            options,
            keys,
            reads,
            writes,
            fences: Fences::default(),
            asked,
        })
    }

    /// Asks the server once whether it is there, was made for these partitions, and does not evict.
    ///
    /// # Errors
    /// [`StoreError::Redis`].
    pub async fn check(&self) -> Result<(), StoreError> {
        let ping = self
            .writes
            .call(async |mut connection| cmd("PING").query_async::<()>(&mut connection).await);
        Ok(ping.await?)
    }

    /// Whether reads are not tried for now, because the last ones failed.
    pub fn breaker_is_open(&self) -> bool {
        self.reads.breaker().is_open()
    }

    /// The slot's marker as stored.
    async fn stored(&self, slot: Slot) -> Result<Option<Stored>, StoreError> {
        let key = self.keys.marker(slot);
        let found: Option<Vec<u8>> = self
            .writes
            .call(async |mut connection| cmd("GET").arg(&key).query_async(&mut connection).await)
            .await?;
        found.map(|text| read_marker(&text)).transpose()
    }

    /// What this owner knows of its slot. An owner that claimed in another process is known by the marker.
    async fn known(&self, slot: Slot, owner: Owner, known: Option<Known>) -> Result<Known, StoreError> {
        if let Some(known) = known.filter(|known| known.owner == owner) {
            return Ok(known);
        }
        match self.stored(slot).await? {
            Some(stored) if stored.owner == owner => Ok(Known::of(stored)),
            other => Err(StoreError::Fenced {
                owner: other.map(|stored| stored.owner),
                asked: owner,
            }),
        }
    }

    /// Deletes the slot's blobs of other epochs than this one.
    async fn sweep(&self, slot: Slot, epoch: Epoch) -> Result<(), StoreError> {
        let pattern = self.keys.blobs(slot);
        let mut cursor = 0u64;
        loop {
            let step = self.writes.call(async |mut connection| {
                cmd("SCAN")
                    .arg(cursor)
                    .arg("MATCH")
                    .arg(&pattern)
                    .arg("COUNT")
                    .arg(STEP)
                    .query_async(&mut connection)
                    .await
            });
            let (next, found): (u64, Vec<Vec<u8>>) = step.await?;
            if !found.is_empty() {
                let mut sweep = SWEEP.prepare_invoke();
                for key in &found {
                    sweep.key(key.as_slice());
                }
                sweep.arg(&epoch.bytes()[..]);
                self.writes
                    .call(async |mut connection| sweep.invoke_async::<u64>(&mut connection).await)
                    .await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// One read's answer, within the read deadline.
    async fn answer(&self, slot: Slot, unit: UnitKey) -> Answer {
        if !self.reads.breaker().would_admit(Instant::now()) {
            return Err(reader::describe(&LinkError::BreakerOpen).into());
        }
        let (reply, answer) = oneshot::channel();
        let full = |_| Arc::<str>::from("too many reads wait for redis");
        self.asked.try_send(Asked { slot, unit, reply }).map_err(full)?;
        let deadline = self.options.read_deadline;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the reader of redis is gone".into()),
            Err(_) => Err(reader::describe(&LinkError::TooSlow(deadline)).into()),
        }
    }
}

#[async_trait]
impl FeatureStore for RedisStore {
    fn partitions(&self) -> u16 {
        self.options.partitions
    }

    async fn claim(&self, slot: Slot, owner: Owner) -> Result<Option<Marker>, StoreError> {
        let fence = self.fences.of(slot);
        let mut fence = fence.lock().await;
        let mut claim = CLAIM.key(self.keys.marker(slot));
        // The owner's nonce is drawn for it, so as an epoch it is new too.
        claim.arg(owner_text(owner)).arg(Epoch(owner.0).text());
        let text: Vec<u8> = self
            .writes
            .call(async |mut connection| claim.invoke_async(&mut connection).await)
            .await?;
        let stored = read_marker(&text)?;
        *fence = Some(Known::of(stored));
        Ok(stored.marker())
    }

    async fn flush(
        &self,
        slot: Slot,
        owner: Owner,
        writes: Vec<Write>,
        next_offset: u64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let writes_max = self.options.flush_writes_max;
        if writes.len() > writes_max || next_offset > OFFSET_MAX {
            return Err(StoreError::FlushTooLarge {
                writes: writes.len(),
                writes_max,
                next_offset,
            });
        }
        let fence = self.fences.of(slot);
        let mut fence = fence.lock().await;
        let mut known = self.known(slot, owner, *fence).await?;
        let marker = self.keys.marker(slot);
        let lifetime = self
            .options
            .blob_lifetime
            .map_or(0, |lifetime| lifetime.as_millis().max(1));
        let (put, gone) = last_of_each(writes);
        let mut flush = FLUSH.key(&marker);
        flush
            .arg(owner_text(owner))
            .arg(known.epoch.text())
            .arg(known.acknowledged)
            .arg(known.acknowledged + known.unheard)
            .arg(next_offset)
            .arg(at.0)
            .arg(lifetime.to_string())
            .arg(put.len());
        for (unit, blob) in put {
            let mut stored = Vec::with_capacity(Epoch::BYTES + blob.len());
            stored.extend_from_slice(&known.epoch.bytes());
            stored.extend_from_slice(&blob);
            flush.key(Keys::blob(&marker, unit)).arg(stored);
        }
        for unit in gone {
            flush.key(Keys::blob(&marker, unit));
        }
        // Until the reply is there nobody knows whether it was written, also if this future is dropped.
        known.unheard += 1;
        *fence = Some(known);
        let reply: (String, Vec<u8>) = self
            .writes
            .call(async |mut connection| flush.invoke_async(&mut connection).await)
            .await?;
        known.unheard -= 1;
        *fence = Some(known);
        let stored = settled(&reply, known, owner, next_offset)?;
        *fence = Some(Known::of(stored));
        Ok(())
    }

    async fn reset(&self, slot: Slot, owner: Owner) -> Result<(), StoreError> {
        let fence = self.fences.of(slot);
        let mut fence = fence.lock().await;
        let known = self.known(slot, owner, *fence).await?;
        // Neither the epoch that is void now nor, but for one chance in 2^64, an older one.
        let epoch = Epoch(
            known
                .epoch
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(owner.0 | 1),
        );
        let mut reset = RESET.key(self.keys.marker(slot));
        reset.arg(owner_text(owner)).arg(epoch.text());
        let reply: (String, Vec<u8>) = self
            .writes
            .call(async |mut connection| reset.invoke_async(&mut connection).await)
            .await?;
        let stored = settled(&reply, known, owner, 0)?;
        *fence = Some(Known::of(stored));
        self.sweep(slot, epoch).await
    }

    async fn marker(&self, slot: Slot) -> Result<Option<Marker>, StoreError> {
        Ok(self.stored(slot).await?.and_then(|stored| stored.marker()))
    }

    async fn blobs(&self, slot: Slot, units: &[UnitKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let marker = self.keys.marker(slot);
        let mut blobs = Vec::with_capacity(units.len());
        for step in units.chunks(STEP) {
            let keys: Vec<String> = step.iter().map(|unit| Keys::blob(&marker, *unit)).collect();
            let mget = async |mut connection| -> RedisResult<Vec<Option<Vec<u8>>>> {
                cmd("MGET")
                    .arg(&marker)
                    .arg(&keys)
                    .query_async(&mut connection)
                    .await
            };
            let mut reply = self.writes.call(mget).await?.into_iter();
            let stored = reply
                .next()
                .flatten()
                .map(|text| read_marker(&text))
                .transpose()?;
            blobs.extend(reply.map(|blob| stored.and_then(|stored| stored.epoch.strip(blob?))));
        }
        Ok(blobs)
    }

    async fn read(&self, schema: SchemaHash, unit: Unit, now: Timestamp) -> Read {
        let partition = unit.bucket(self.options.partitions);
        let answer = self.answer(Slot { schema, partition }, unit.key).await;
        let (stored, blob) = match answer {
            Ok(Some(answer)) => answer,
            Ok(None) => return Read::Unknown(Unknown::NoMarker),
            Err(failure) => return Read::Unknown(Unknown::Failed(failure.to_string())),
        };
        match stored.place {
            None => Read::Unknown(Unknown::NoMarker),
            Some((_, at)) if at.plus(self.options.stale_after) < now => Read::Unknown(Unknown::Stale { at }),
            Some(_) => blob.map_or(Read::Absent, Read::Found),
        }
    }
}

fn read_marker(text: &[u8]) -> Result<Stored, StoreError> {
    Stored::read(text).ok_or_else(|| StoreError::MarkerUnreadable {
        marker: String::from_utf8_lossy(text).into_owned(),
    })
}

/// The last write of each unit: blobs to put, units to delete.
fn last_of_each(writes: Vec<Write>) -> (Vec<(UnitKey, Bytes)>, Vec<UnitKey>) {
    let last: BTreeMap<UnitKey, Option<Bytes>> =
        writes.into_iter().map(|write| (write.unit, write.blob)).collect();
    let (mut put, mut gone) = (Vec::with_capacity(last.len()), Vec::new());
    for (unit, blob) in last {
        match blob {
            Some(blob) => put.push((unit, blob)),
            None => gone.push(unit),
        }
    }
    (put, gone)
}

/// What a script's reply means: the marker as it stands now, or why nothing was written.
fn settled(
    (verdict, marker): &(String, Vec<u8>),
    known: Known,
    asked: Owner,
    next_offset: u64,
) -> Result<Stored, StoreError> {
    let stored = match marker.is_empty() {
        true => None,
        false => Some(read_marker(marker)?),
    };
    match (verdict.as_str(), stored) {
        ("done", Some(stored)) => Ok(stored),
        ("diverged", Some(stored)) => Err(StoreError::Diverged {
            acknowledged: known.acknowledged,
            found: stored.flush,
        }),
        ("back", Some(stored)) => Err(StoreError::MovedBack {
            marker: stored.place.map_or(0, |(next, _)| next),
            asked: next_offset,
        }),
        (_, stored) => Err(StoreError::Fenced {
            owner: stored.map(|stored| stored.owner),
            asked,
        }),
    }
}
