//! A cache in the process: shards behind a lock each, and in each a young and an old half. What is asked for moves to the
//! young half; when that is full it becomes the old one, and the old one goes. So what is used stays, at the cost of one
//! map operation, and no list is kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;

use crate::key::EffectKey;
use crate::port::{CacheFailed, EffectCache, Lookup};

/// Shards; a power of two. More than cores, so that two threads seldom want the same one.
const SHARDS: usize = 16;

/// Bounds of a [`MemoryCache`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Values held at most, at about 300 bytes each.
    pub entries_max: usize,
    /// Values larger than this are passed over.
    pub value_bytes_max: usize,
    /// How long a value is believed.
    pub lifetime: Duration,
}

impl Default for MemoryOptions {
    /// 100 000 values of up to 4 KiB, ten minutes.
    fn default() -> Self {
        MemoryOptions {
            entries_max: 100_000,
            value_bytes_max: 4 << 10,
            lifetime: Duration::from_secs(600),
        }
    }
}

/// Values in memory.
#[derive(Debug)]
pub struct MemoryCache {
    options: MemoryOptions,
    half_max: usize,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<EffectKey, Held>,
    old: HashMap<EffectKey, Held>,
}

#[derive(Clone, Debug)]
struct Held {
    value: Bytes,
    until: Instant,
}

impl Shard {
    fn get(&mut self, key: &EffectKey, now: Instant, half_max: usize) -> Option<Bytes> {
        let held = match self.young.get(key) {
            Some(held) => held.clone(),
            None => {
                let held = self.old.remove(key)?;
                self.put(*key, held.clone(), half_max);
                held
            }
        };
        (now < held.until).then_some(held.value)
    }

    fn put(&mut self, key: EffectKey, held: Held, half_max: usize) {
        if self.young.len() >= half_max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, held);
        self.old.remove(&key);
    }
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(options: MemoryOptions) -> Self {
        MemoryCache {
            options,
            half_max: (options.entries_max / SHARDS / 2).max(1),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    fn look_up(&self, key: &EffectKey, now: Instant) -> Lookup {
        let held = self.with_shard(key, |shard| shard.get(key, now, self.half_max));
        held.map_or(Lookup::Miss, Lookup::Hit)
    }

    fn keep(&self, key: EffectKey, value: &Bytes, now: Instant) {
        if value.len() > self.options.value_bytes_max {
            return;
        }
        // Shared buffers would keep more alive than is counted here.
        let value = Bytes::copy_from_slice(value);
        let until = now + key.lifetime(self.options.lifetime);
        self.with_shard(&key, |shard| shard.put(key, Held { value, until }, self.half_max));
    }

    fn with_shard<T>(&self, key: &EffectKey, work: impl FnOnce(&mut Shard) -> T) -> T {
        // Keys are digests, so any byte spreads them.
        let shard = &self.shards[usize::from(key.0[31]) % SHARDS];
        work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl EffectCache for MemoryCache {
    async fn get(&self, keys: &[EffectKey]) -> Vec<Lookup> {
        let now = Instant::now();
        keys.iter().map(|key| self.look_up(key, now)).collect()
    }

    async fn put(&self, entries: &[(EffectKey, Bytes)]) -> Result<(), CacheFailed> {
        let now = Instant::now();
        for (key, value) in entries {
            self.keep(*key, value, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> EffectKey {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_le_bytes());
        EffectKey(key)
    }

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let cache = MemoryCache::new(MemoryOptions {
            entries_max: SHARDS * 20,
            ..MemoryOptions::default()
        });
        let now = Instant::now();
        let value = Bytes::from_static(b"value");
        // All in one shard, which holds 20.
        for number in 0..1_000 {
            cache.keep(key(number), &value, now);
            assert_eq!(
                cache.look_up(&key(0), now),
                Lookup::Hit(value.clone()),
                "{number}: what is asked for stays"
            );
        }
        let held = (0..1_000)
            .filter(|n| cache.look_up(&key(*n), now) != Lookup::Miss)
            .count();
        assert!((2..=20).contains(&held), "{held} values held");
    }

    #[test]
    fn values_end_with_their_lifetime_and_large_ones_are_passed_over() {
        let cache = MemoryCache::new(MemoryOptions {
            value_bytes_max: 5,
            lifetime: Duration::from_secs(10),
            ..MemoryOptions::default()
        });
        let now = Instant::now();
        cache.keep(key(1), &Bytes::from_static(b"value"), now);
        cache.keep(key(2), &Bytes::from_static(b"larger"), now);
        assert_eq!(cache.look_up(&key(2), now), Lookup::Miss);
        assert!(matches!(
            cache.look_up(&key(1), now + Duration::from_secs(7)),
            Lookup::Hit(_)
        ));
        assert_eq!(
            cache.look_up(&key(1), now + Duration::from_secs(10)),
            Lookup::Miss
        );
    }
}
