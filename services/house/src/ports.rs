//! What a program reaches of the services, whether they run in this process or are processes of their own.

use std::sync::Arc;

use anyhow::Context;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::topics::USER_EVENTS;
use ceteris_feature_store::{FeatureStore, Slot};
use ceteris_features::SchemaHash;
use ceteris_lake::Lake;
use ceteris_registry::Registry;
use ceteris_store::DecisionStore;
use ceteris_stream::EventLog;

/// The ports behind the services, and where decisions are asked for.
#[derive(Clone)]
pub struct Ports {
    /// Events and decisions on their way.
    pub log: Arc<dyn EventLog>,
    /// Events and decisions at rest.
    pub lake: Lake,
    /// Online features.
    pub features: Arc<dyn FeatureStore>,
    /// Artifacts, problems and aliases.
    pub registry: Registry,
    /// Decisions that arrived.
    pub store: Arc<dyn DecisionStore>,
    /// The key under which user ids are hashed.
    pub identity: IdentityKey,
    /// `http://host:port` of the decision API.
    pub api: String,
}

impl Ports {
    /// How many decisions are stored.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn stored(&self) -> anyhow::Result<u64> {
        self.store.count().await.context("count decisions")
    }

    /// How many events the lake holds of those before `ends`, and whether lake and online features hold them all.
    ///
    /// # Errors
    /// Where the lake or the feature store does not answer.
    pub async fn taken_in(&self, ends: &[u64], schema: SchemaHash) -> anyhow::Result<(u64, bool)> {
        let offsets = self
            .lake
            .events()
            .offsets()
            .await
            .context("read the lake's positions")?;
        let (mut taken, mut all) = (0, true);
        for (partition, &end) in ends.iter().enumerate() {
            let at = offsets
                .get(&(USER_EVENTS.to_owned(), partition as u32))
                .copied()
                .unwrap_or(0);
            taken += at;
            all &= at >= end;
        }
        for (partition, &end) in ends.iter().enumerate() {
            if !all {
                break;
            }
            let slot = Slot {
                schema,
                partition: partition as u16,
            };
            let marker = self
                .features
                .marker(slot)
                .await
                .context("read the features' positions")?;
            all = end == 0 || marker.is_some_and(|marker| marker.next_offset >= end);
        }
        Ok((taken, all))
    }
}
