//! What a verb reaches of a fleet, whether its services run in this process or are processes of their own.

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

/// The ports of a fleet, and where it answers.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) lake: Lake,
    pub(crate) features: Arc<dyn FeatureStore>,
    #[cfg_attr(
        not(feature = "fleet"),
        expect(dead_code, reason = "in one process the model is at hand")
    )]
    pub(crate) registry: Registry,
    pub(crate) store: Arc<dyn DecisionStore>,
    pub(crate) identity: IdentityKey,
    /// `http://host:port` of the decision API.
    pub(crate) api: String,
}

impl Ground {
    /// How many decisions are stored.
    pub(crate) async fn stored(&self) -> anyhow::Result<u64> {
        self.store.count().await.context("count decisions")
    }

    /// How many events the lake holds of those before `ends`, and whether lake and online features hold them all.
    pub(crate) async fn taken_in(&self, ends: &[u64], schema: SchemaHash) -> anyhow::Result<(u64, bool)> {
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
