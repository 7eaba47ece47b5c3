//! The cache in a Redis of its own.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ceteris_redis_link::redis::{RedisResult, cmd, pipe};
use ceteris_redis_link::{BreakerOptions, Link, LinkError, LinkOptions};

use crate::envelope;
use crate::key::EffectKey;
use crate::port::{CacheFailed, EffectCache, Lookup};

/// Options of a [`RedisCache`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisCacheOptions {
    /// Before every key, so that several caches can share a Redis.
    pub prefix: String,
    /// How long a call may take. Computing takes microseconds, so a late value is worth nothing.
    pub deadline: Duration,
    /// How long connecting may take; calls do not wait for it beyond their deadline.
    pub connect_deadline: Duration,
    /// When calls are no longer tried.
    pub breaker: BreakerOptions,
    /// How long a value is believed.
    pub lifetime: Duration,
    /// Values larger than this are passed over, and not believed when found.
    pub value_bytes_max: usize,
}

impl Default for RedisCacheOptions {
    /// Calls within 2 ms, values of up to 4 KiB for ten minutes.
    fn default() -> Self {
        RedisCacheOptions {
            prefix: "effect:".to_owned(),
            deadline: Duration::from_millis(2),
            connect_deadline: Duration::from_secs(2),
            breaker: BreakerOptions::default(),
            lifetime: Duration::from_secs(600),
            value_bytes_max: 4 << 10,
        }
    }
}

/// Values in Redis, over one multiplexed connection.
#[derive(Debug)]
pub struct RedisCache {
    link: Link,
    options: RedisCacheOptions,
}

impl RedisCache {
    /// A cache in the Redis at `url`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`CacheFailed`] for what is no address.
    pub fn open(url: &str, options: RedisCacheOptions) -> Result<Self, CacheFailed> {
        let link = LinkOptions {
            deadline: options.deadline,
            connect_deadline: options.connect_deadline,
            breaker: options.breaker,
        };
        let link = Link::new(url, link, None).map_err(|error| CacheFailed(error.to_string()))?;
        Ok(RedisCache { link, options })
    }

    fn name(&self, key: &EffectKey) -> Vec<u8> {
        let mut name = self.options.prefix.clone().into_bytes();
        name.extend_from_slice(&key.0);
        name
    }

    fn read(&self, key: &EffectKey, found: Option<Vec<u8>>) -> Lookup {
        match found {
            None => Lookup::Miss,
            Some(sealed) => envelope::open(key, sealed)
                .filter(|value| value.len() <= self.options.value_bytes_max)
                .map_or(Lookup::Wrong, Lookup::Hit),
        }
    }
}

#[async_trait]
impl EffectCache for RedisCache {
    fn breaker_is_open(&self) -> bool {
        self.link.breaker().is_open()
    }

    async fn get(&self, keys: &[EffectKey]) -> Vec<Lookup> {
        if keys.is_empty() {
            return Vec::new();
        }
        let names: Vec<Vec<u8>> = keys.iter().map(|key| self.name(key)).collect();
        let mget = async |mut connection| -> RedisResult<Vec<Option<Vec<u8>>>> {
            cmd("MGET").arg(&names).query_async(&mut connection).await
        };
        match self.link.call(mget).await {
            Ok(found) if found.len() == keys.len() => keys
                .iter()
                .zip(found)
                .map(|(key, found)| self.read(key, found))
                .collect(),
            // Fewer answers than keys belong to nobody knows which.
            Ok(_) => vec![Lookup::Wrong; keys.len()],
            Err(error) => {
                if !matches!(error, LinkError::BreakerOpen) {
                    let error = &error as &(dyn std::error::Error + 'static);
                    tracing::debug!(error, "the effect cache cannot be read");
                }
                vec![Lookup::Failed; keys.len()]
            }
        }
    }

    async fn put(&self, entries: &[(EffectKey, Bytes)]) -> Result<(), CacheFailed> {
        let mut pipeline = pipe();
        let mut any = false;
        for (key, value) in entries {
            if value.len() > self.options.value_bytes_max {
                continue;
            }
            let lifetime = key.lifetime(self.options.lifetime).as_millis().max(1);
            pipeline
                .cmd("SET")
                .arg(self.name(key))
                .arg(envelope::seal(key, value))
                .arg("PX")
                .arg(lifetime.to_string())
                .ignore();
            any = true;
        }
        if !any {
            return Ok(());
        }
        self.link
            .call(async |mut connection| pipeline.query_async::<()>(&mut connection).await)
            .await
            .map_err(|error| CacheFailed(error.to_string()))
    }
}
