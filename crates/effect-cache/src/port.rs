//! The port: many keys at once, opaque values, no failure that a caller has to handle.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::key::EffectKey;

/// What a cache knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Its value.
    Hit(Bytes),
    /// Nothing.
    Miss,
    /// A value that is damaged or another key's; it was thrown away.
    Wrong,
    /// It could not be asked, or was too slow.
    Failed,
}

/// Values that were not taken. Nothing is lost by it but time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the effect cache took no values: {0}")]
pub struct CacheFailed(pub String);

/// Values by key, for a while.
#[async_trait]
pub trait EffectCache: Send + Sync + fmt::Debug {
    /// False where nothing is ever kept, so that a caller need not build keys.
    fn keeps(&self) -> bool {
        true
    }

    /// True while lookups fail at once because the last ones failed.
    fn breaker_is_open(&self) -> bool {
        false
    }

    /// What is known of each key, in the order of the keys.
    async fn get(&self, keys: &[EffectKey]) -> Vec<Lookup>;

    /// Keeps the values for a while. Values too large for the backend are passed over.
    ///
    /// # Errors
    /// [`CacheFailed`].
    async fn put(&self, entries: &[(EffectKey, Bytes)]) -> Result<(), CacheFailed>;
}
