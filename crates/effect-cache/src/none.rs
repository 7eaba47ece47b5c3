//! No cache: everything is computed.

use async_trait::async_trait;
use bytes::Bytes;

use crate::key::EffectKey;
use crate::port::{CacheFailed, EffectCache, Lookup};

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCache;

#[async_trait]
impl EffectCache for NoCache {
    fn keeps(&self) -> bool {
        false
    }

    async fn get(&self, keys: &[EffectKey]) -> Vec<Lookup> {
        vec![Lookup::Miss; keys.len()]
    }

    async fn put(&self, _entries: &[(EffectKey, Bytes)]) -> Result<(), CacheFailed> {
        Ok(())
    }
}
