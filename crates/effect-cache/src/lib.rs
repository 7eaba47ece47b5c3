#![doc = include_str!("../README.md")]
//!
//! Left out: what a value means, and computing it.

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(any(feature = "redis", test))]
mod envelope;
mod key;
mod memory;
mod none;
mod port;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "redis")]
pub use self::redis::{RedisCache, RedisCacheOptions};
pub use key::{EffectKey, FeatureHash, KeyParts};
pub use memory::{MemoryCache, MemoryOptions};
pub use none::NoCache;
pub use port::{CacheFailed, EffectCache, Lookup};
