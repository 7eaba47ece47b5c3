//! `[redis]` and `[features]`: the online features.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ceteris_chassis::config::Settings;
use ceteris_contract::duration::Span;
use ceteris_feature_store::{RedisOptions, RedisStore};
use secrecy::{ExposeSecret, SecretString};

/// Where Redis is, and how old its features may be.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `redis://:password@host:port/database`.
    pub url: SecretString,
    stale_after: Span,
    /// How long a decision waits for its features.
    pub read_deadline: Duration,
}

/// Reads both sections. `None` means that a fault has been noted.
pub fn read(settings: &mut Settings) -> Option<Redis> {
    let url = settings.required_secret("redis.url");
    let stale_after = settings.value("features.stale_after");
    let read_deadline = settings.value("features.read_deadline");
    Some(Redis {
        url: url?,
        stale_after: stale_after?,
        read_deadline: read_deadline?,
    })
}

impl Redis {
    /// The feature store over as many partitions as the log has; it connects by itself as soon as Redis answers.
    ///
    /// # Errors
    /// Where the address is malformed.
    pub fn features(&self, partitions: u16) -> anyhow::Result<Arc<RedisStore>> {
        let options = RedisOptions {
            partitions,
            stale_after: self.stale_after,
            read_deadline: self.read_deadline,
            ..RedisOptions::default()
        };
        let store = RedisStore::open(self.url.expose_secret(), options).context("redis.url")?;
        Ok(Arc::new(store))
    }
}
