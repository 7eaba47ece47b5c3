//! `[effect_cache]`: where computed effects are cached, if anywhere.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::config::Settings;
use ceteris_effect_cache::{EffectCache, MemoryCache, MemoryOptions, NoCache, RedisCache, RedisCacheOptions};
use secrecy::ExposeSecret;

use crate::redis::Redis;

/// Where effects are cached.
#[derive(Clone, Copy, Debug)]
pub struct Effects {
    kind: Kind,
    lifetime: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    None,
    Memory,
    Redis,
}

/// Reads the section. `None` means that a fault has been noted.
pub fn read(settings: &mut Settings) -> Option<Effects> {
    let word: Option<String> = settings.value("effect_cache.kind");
    let lifetime = settings.value("effect_cache.lifetime");
    let kind = match word?.as_str() {
        "none" => Kind::None,
        "memory" => Kind::Memory,
        "redis" => Kind::Redis,
        _ => {
            settings.fault("effect_cache.kind", "give none, memory or redis");
            return None;
        }
    };
    Some(Effects {
        kind,
        lifetime: lifetime?,
    })
}

impl Effects {
    /// The cache.
    ///
    /// # Errors
    /// Where the address of Redis is malformed.
    pub fn open(&self, redis: &Redis) -> anyhow::Result<Arc<dyn EffectCache>> {
        Ok(match self.kind {
            Kind::None => Arc::new(NoCache),
            Kind::Memory => Arc::new(MemoryCache::new(MemoryOptions {
                lifetime: self.lifetime,
                ..MemoryOptions::default()
            })),
            Kind::Redis => {
                let options = RedisCacheOptions {
                    lifetime: self.lifetime,
                    ..RedisCacheOptions::default()
                };
                Arc::new(RedisCache::open(redis.url.expose_secret(), options).context("redis.url")?)
            }
        })
    }
}
