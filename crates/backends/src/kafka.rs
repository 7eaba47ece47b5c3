//! `[kafka]`: the event log.

use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::config::Settings;
use ceteris_stream::{EventLog, KafkaLog, KafkaOptions};

/// Where Kafka is, and how topics are made.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// The clients.
    pub options: KafkaOptions,
    /// Partitions of the topics, and of the online features.
    pub partitions: u16,
}

/// Reads the section. `None` means that a fault has been noted.
pub fn read(settings: &mut Settings) -> Option<Kafka> {
    let servers: Option<String> = settings.value("kafka.bootstrap_servers");
    let client_id = settings.value("kafka.client_id");
    let instance_id = settings.optional("kafka.instance_id");
    let partitions = settings.value::<u16>("kafka.partitions");
    let replication_factor = settings.value("kafka.replication_factor");
    let properties = settings.below("kafka.properties");
    let topic_properties = settings.below("kafka.topic_properties");
    if partitions.is_some_and(|partitions| !partitions.is_power_of_two() || partitions > 4096) {
        settings.fault("kafka.partitions", "give a power of two up to 4096");
    }
    let mut options = KafkaOptions::new(servers?);
    options.client_id = client_id?;
    options.instance_id = instance_id;
    options.replication_factor = replication_factor?;
    options.properties = properties.into_iter().collect();
    options.topic_properties = topic_properties.into_iter().collect();
    Some(Kafka {
        options,
        partitions: partitions?,
    })
}

impl Kafka {
    /// The log. It connects by itself as soon as Kafka answers.
    ///
    /// # Errors
    /// Where a property is refused.
    pub fn open(&self) -> anyhow::Result<Arc<dyn EventLog>> {
        let log = KafkaLog::open(self.options.clone()).context("kafka.properties")?;
        Ok(Arc::new(log))
    }

    /// Makes the topics that are missing.
    ///
    /// # Errors
    /// Those of the log, and where a topic has another number of partitions.
    pub async fn ensure_topics(&self, log: &dyn EventLog, topics: &[&str]) -> anyhow::Result<()> {
        for topic in topics {
            let made = log.create_topic(topic, u32::from(self.partitions)).await;
            made.with_context(|| format!("make the topic {topic}"))?;
        }
        Ok(())
    }
}
