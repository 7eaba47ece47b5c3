//! What the service can be told, and what it does when told nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use ceteris_journal::{SpoolOptions, SyncMode};

use crate::keys::ApiKeys;

/// Configuration of the decision API.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one. Without API keys a loopback address.
    pub listen: SocketAddr,
    /// Who may call what.
    pub keys: ApiKeys,
    /// Problems that must be served before the service is ready. Empty: every problem of the registry, one at least.
    pub problems: Vec<String>,
    /// Folder of the decision journal and its cursor.
    pub journal_dir: PathBuf,
    /// Most bytes of decisions that wait in the journal; full means 503, never an unlogged decision.
    pub journal_bytes_max: u64,
    /// What an answered decision survives.
    pub journal_sync: SyncMode,
    /// Bounds of the queue before the journal.
    pub spool: SpoolOptions,
    /// Partitions of `causal_decisions` where it has to be made.
    pub topic_partitions: u32,
    /// Whether requests may choose the decision instant.
    pub at_allowed: bool,
    /// Requests in progress at once; more are shed.
    pub requests_max: usize,
    /// Largest body of one decide request.
    pub decide_bytes_max: usize,
    /// Largest body of a batch.
    pub batch_bytes_max: usize,
    /// A body that takes longer is given up.
    pub body_timeout: Duration,
    /// A read of the feature store that takes longer counts as unknown.
    pub features_timeout: Duration,
    /// How often the registry is asked for a new model or policy.
    pub poll_interval: Duration,
    /// Model versions kept that requests pin by name.
    pub pinned_models_max: usize,
    /// Replies remembered by idempotency key.
    pub idempotent_replies_max: usize,
    /// How long requests in flight, and then the journal, may take to drain on shutdown, each.
    pub drain_timeout: Duration,
}

impl Config {
    /// The defaults, with the journal in this folder.
    pub fn new(journal_dir: impl Into<PathBuf>) -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            keys: ApiKeys::default(),
            problems: Vec::new(),
            journal_dir: journal_dir.into(),
            // About 2 million decisions of a handful of arms.
            journal_bytes_max: 8 << 30,
            journal_sync: SyncMode::Os,
            spool: SpoolOptions::default(),
            topic_partitions: 16,
            at_allowed: false,
            // At 50 µs of work each this is 13 ms of queue on two cores.
            requests_max: 512,
            decide_bytes_max: 256 << 10,
            batch_bytes_max: 8 << 20,
            body_timeout: Duration::from_secs(10),
            features_timeout: Duration::from_millis(50),
            poll_interval: Duration::from_secs(1),
            pinned_models_max: 16,
            idempotent_replies_max: 10_000,
            drain_timeout: Duration::from_secs(10),
        }
    }

    /// Refuses what would be unsafe or could never work.
    ///
    /// # Errors
    /// One sentence on the first fault.
    pub fn check(&self) -> Result<()> {
        if self.keys.is_empty() && !self.listen.ip().is_loopback() {
            bail!(
                "{} is not a loopback address and no API keys are configured: give keys, or listen on 127.0.0.1",
                self.listen
            );
        }
        if self.requests_max == 0 {
            bail!("requests_max must be at least 1");
        }
        if self.topic_partitions == 0 {
            bail!("topic_partitions must be at least 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Scope;

    #[test]
    fn without_keys_only_loopback_is_served() {
        let mut config = Config::new("journal");
        for listen in ["127.0.0.1:0", "[::1]:8080", "127.9.9.9:80"] {
            config.listen = listen.parse().unwrap();
            assert!(config.check().is_ok(), "{listen}");
        }
        for listen in ["0.0.0.0:8080", "[::]:8080", "10.0.0.4:80"] {
            config.listen = listen.parse().unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(listen) && error.contains("no API keys"), "{error}");
        }
        config.keys = ApiKeys::new([("shop", "a-long-secret-of-the-shop", vec![Scope::Decide])]).unwrap();
        assert!(config.check().is_ok());
    }
}
