//! What is configured of a Kafka client, and what is not free to choose.

use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::error::StreamError;
use crate::log::RECORD_BYTES_MAX;

/// How long one question to a broker may take; a paused broker is given up after this.
pub(super) const REQUEST_TIMEOUT_MS: u32 = 10_000;
/// A member that is not heard of for this long loses its partitions; the least that brokers allow by default.
pub(super) const SESSION_TIMEOUT_MS: u32 = 6_000;
/// A record that no broker has taken by then is given back to the caller, who knows whether to try again.
const DELIVERY_TIMEOUT_MS: u32 = 30_000;
/// Records wait this long for others to share a request: a little latency for ten times the rate.
const LINGER_MS: u32 = 2;
/// Bytes of one produced batch.
const BATCH_BYTES: u32 = 1 << 20;
/// Bytes that may wait in the producer; a caller beyond it waits.
const PRODUCE_QUEUE_KBYTES: u32 = 64 << 10;
/// Bytes fetched ahead of the worker, which bounds a paused or slow worker's memory.
const FETCH_QUEUE_KBYTES: u32 = 32 << 10;
/// Records fetched ahead of the worker.
const FETCH_QUEUE_RECORDS: u32 = 100_000;
/// How long a broker holds back an empty answer: the delay with which the end of a partition is known.
const FETCH_WAIT_MS: u32 = 50;
/// The frame of a record around its key, headers and payload, headers of our own included.
const FRAME_BYTES: usize = 48 << 10;

/// What the adapter's promises rest on: durability, order, offsets stored by `commit` alone, cooperative rebalances.
const FIXED: [&str; 17] = [
    "bootstrap.servers",
    "client.id",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "transactional.id",
    "partitioner",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "auto.offset.reset",
    "partition.assignment.strategy",
    "allow.auto.create.topics",
    "message.max.bytes",
];

/// Where a Kafka cluster is, and as whom it is asked.
#[derive(Clone)]
pub struct KafkaOptions {
    /// `host:port[,host:port..]`.
    pub bootstrap_servers: String,
    /// Named in the brokers' logs and quotas.
    pub client_id: String,
    /// Makes this process a static member of its groups: it may be away for a session timeout (6 s) without losing its
    /// partitions. Unique among the processes of a service, and the same after a restart; a pod's name.
    pub instance_id: Option<String>,
    /// Replicas of the topics that are made.
    pub replication_factor: u16,
    /// Configuration of the topics that are made, such as `retention.ms` or `min.insync.replicas`.
    pub topic_properties: Vec<(String, String)>,
    /// Further properties of librdkafka, such as `security.protocol`. Those that the adapter's promises rest on are
    /// refused.
    pub properties: Vec<(String, String)>,
}

impl KafkaOptions {
    /// Plain connections to `bootstrap_servers`, dynamic membership, topics of one replica.
    pub fn new(bootstrap_servers: impl Into<String>) -> KafkaOptions {
        KafkaOptions {
            bootstrap_servers: bootstrap_servers.into(),
            client_id: "ceteris".to_owned(),
            instance_id: None,
            replication_factor: 1,
            topic_properties: Vec::new(),
            properties: Vec::new(),
        }
    }

    /// What every client of the cluster shares.
    pub(super) fn client(&self) -> Result<ClientConfig, StreamError> {
        if let Some((name, _)) = self.properties.iter().find(|(name, _)| FIXED.contains(&&**name)) {
            return Err(StreamError::FixedProperty { name: name.clone() });
        }
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", &self.client_id)
            .set("socket.timeout.ms", REQUEST_TIMEOUT_MS.to_string())
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(RDKafkaLogLevel::Warning);
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        Ok(config)
    }

    pub(super) fn producer(&self) -> Result<ClientConfig, StreamError> {
        let mut config = self.client()?;
        self.unless_given(&mut config, "message.timeout.ms", DELIVERY_TIMEOUT_MS);
        self.unless_given(&mut config, "linger.ms", LINGER_MS);
        self.unless_given(&mut config, "batch.size", BATCH_BYTES);
        self.unless_given(&mut config, "queue.buffering.max.kbytes", PRODUCE_QUEUE_KBYTES);
        self.unless_given(&mut config, "compression.type", "lz4");
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", (RECORD_BYTES_MAX + FRAME_BYTES).to_string());
        Ok(config)
    }

    pub(super) fn consumer(&self, topic: &str, group: &str) -> Result<ClientConfig, StreamError> {
        let mut config = self.client()?;
        self.unless_given(&mut config, "session.timeout.ms", SESSION_TIMEOUT_MS);
        self.unless_given(&mut config, "heartbeat.interval.ms", SESSION_TIMEOUT_MS / 4);
        self.unless_given(&mut config, "queued.max.messages.kbytes", FETCH_QUEUE_KBYTES);
        self.unless_given(&mut config, "queued.min.messages", FETCH_QUEUE_RECORDS);
        self.unless_given(&mut config, "fetch.wait.max.ms", FETCH_WAIT_MS);
        config
            .set("group.id", group_id(topic, group))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest");
        if let Some(instance) = &self.instance_id {
            config.set("group.instance.id", instance);
        }
        Ok(config)
    }

    fn unless_given(&self, config: &mut ClientConfig, name: &str, value: impl ToString) {
        if self.properties.iter().all(|(given, _)| given != name) {
            config.set(name, value.to_string());
        }
    }
}

/// Kafka's group for `group` on `topic`. A group of ours reads one topic: were several topics in one of Kafka's groups,
/// a rebalance of one would hold up the others.
pub(super) fn group_id(topic: &str, group: &str) -> String {
    format!("{topic}.{group}")
}

impl fmt::Debug for KafkaOptions {
    /// Without the values of properties, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("KafkaOptions")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client_id", &self.client_id)
            .field("instance_id", &self.instance_id)
            .field("replication_factor", &self.replication_factor)
            .field("topic_properties", &self.topic_properties)
            .field("properties", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_promises_rest_on_is_not_free_to_choose() {
        let mut options = KafkaOptions::new("127.0.0.1:1");
        options.properties = vec![("acks".into(), "0".into())];
        let error = options.producer().unwrap_err();
        assert!(error.to_string().contains("`acks`"), "{error}");
    }

    #[test]
    fn given_properties_go_before_our_choices_and_stay_secret() {
        let mut options = KafkaOptions::new("127.0.0.1:1");
        options.properties = vec![
            ("linger.ms".into(), "7".into()),
            ("sasl.password".into(), "hush".into()),
        ];
        let config = options.producer().unwrap();
        assert_eq!(config.get("linger.ms"), Some("7"));
        assert_eq!(config.get("sasl.password"), Some("hush"));
        assert!(!format!("{options:?}").contains("hush"));
    }
}
