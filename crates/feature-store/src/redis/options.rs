//! What a Redis store is told, and the links it stands on.

use std::time::Duration;

use ceteris_contract::duration::Span;
use ceteris_contract::identity::SHARDS;
use ceteris_redis_link::{BreakerOptions, Greeting, Link, LinkError, LinkOptions};

use crate::error::StoreError;

/// Options of a [`RedisStore`](super::RedisStore).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOptions {
    /// Number of partitions P, a power of two up to 4 096. Fixed when the store is made.
    pub partitions: u16,
    /// How old a marker may be for its slot to be current.
    pub stale_after: Span,
    /// Before every key, so that several stores can share a Redis. Without braces.
    pub prefix: String,
    /// How long a decision's read may take.
    pub read_deadline: Duration,
    /// How long an owner's call may take.
    pub write_deadline: Duration,
    /// How long connecting may take.
    pub connect_deadline: Duration,
    /// When reads are no longer tried.
    pub breaker: BreakerOptions,
    /// Reads that wait for a round trip; more are unknown at once. At 10 000 reads a second these are 400 ms.
    pub reads_waiting_max: usize,
    /// Reads of one round trip, so that a long queue does not make its first ones late.
    pub reads_together_max: usize,
    /// Units of one flush: it is one script, which nothing else interrupts, at about a microsecond a unit.
    pub flush_writes_max: usize,
    /// How long a blob is kept that is not written again, by the server's clock. Only right where it is longer than
    /// everything the problems' views look back on; without it blobs stay.
    pub blob_lifetime: Option<Duration>,
}

impl Default for RedisOptions {
    /// 16 partitions, stale after 5 minutes, reads within 20 ms, owners' calls within 10 s, blobs stay.
    fn default() -> Self {
        RedisOptions {
            partitions: 16,
            stale_after: Span::minutes(5),
            prefix: String::new(),
            read_deadline: Duration::from_millis(20),
            write_deadline: Duration::from_secs(10),
            connect_deadline: Duration::from_secs(2),
            breaker: BreakerOptions::default(),
            reads_waiting_max: 4_096,
            reads_together_max: 256,
            flush_writes_max: 100_000,
            blob_lifetime: None,
        }
    }
}

impl RedisOptions {
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if !self.partitions.is_power_of_two() || self.partitions > SHARDS {
            return Err(StoreError::Partitions {
                partitions: self.partitions,
            });
        }
        if self.prefix.contains(['{', '}']) {
            return Err(StoreError::Prefix {
                prefix: self.prefix.clone(),
            });
        }
        Ok(())
    }

    /// The link of decisions' reads.
    pub(super) fn reads(&self, url: &str, greeting: Greeting) -> Result<Link, LinkError> {
        let options = LinkOptions {
            deadline: self.read_deadline,
            connect_deadline: self.connect_deadline,
            breaker: self.breaker,
        };
        Link::new(url, options, Some(greeting))
    }

    /// The link of owners' calls. They are few and repeat themselves with pauses, so no breaker stands before them.
    pub(super) fn writes(&self, url: &str, greeting: Greeting) -> Result<Link, LinkError> {
        let options = LinkOptions {
            deadline: self.write_deadline,
            connect_deadline: self.connect_deadline,
            breaker: BreakerOptions {
                failures_max: u32::MAX,
                pause: Duration::ZERO,
            },
        };
        Link::new(url, options, Some(greeting))
    }
}
