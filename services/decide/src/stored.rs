//! A unit's stored features at an instant: one bounded read of the feature store, decoded by the problem's views.

use std::sync::Arc;
use std::time::Duration;

use ceteris_contract::identity::Unit;
use ceteris_contract::time::Timestamp;
use ceteris_feature_store::{FeatureStore, Read};
use ceteris_features::{UnitState, ViewSet};

use crate::gather::Stored;
use crate::metrics::Metrics;
use crate::served::Served;

/// The feature store with the patience of a decision.
#[derive(Clone)]
pub struct StoredFeatures {
    store: Arc<dyn FeatureStore>,
    timeout: Duration,
    metrics: Metrics,
}

impl std::fmt::Debug for StoredFeatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredFeatures")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl StoredFeatures {
    /// Reads that take longer than `timeout` count as unknown.
    pub fn new(store: Arc<dyn FeatureStore>, timeout: Duration, metrics: Metrics) -> Self {
        StoredFeatures {
            store,
            timeout,
            metrics,
        }
    }

    /// The unit's features at `at`; `now` is what staleness is measured against. A problem over a table has none.
    pub async fn read(&self, served: &Served, unit: Unit, at: Timestamp, now: Timestamp) -> Stored {
        let Some(views) = served.views() else {
            return Stored::Absent;
        };
        let read = self.store.read(views.schema(), unit, now);
        let (result, stored) = match tokio::time::timeout(self.timeout, read).await {
            Ok(Read::Found(blob)) => match decode(views, &blob, at) {
                Stored::Unknown => ("unreadable", Stored::Unknown),
                stored => ("found", stored),
            },
            Ok(Read::Absent) => ("absent", Stored::Absent),
            Ok(Read::Unknown(why)) => (why.code(), Stored::Unknown),
            Err(_) => ("timeout", Stored::Unknown),
        };
        self.metrics.feature_reads.with_label_values(&[result]).inc();
        stored
    }
}

/// A blob that cannot be read, or whose state is exact only later than `at`, tells nothing: never a new unit's defaults.
fn decode(views: &ViewSet, blob: &[u8], at: Timestamp) -> Stored {
    let state = match UnitState::decode(views, blob) {
        Ok(state) => state,
        Err(error) => {
            tracing::warn!(%error, "a unit's stored features cannot be read");
            return Stored::Unknown;
        }
    };
    if at < state.exact_from() {
        return Stored::Unknown;
    }
    let values = state
        .vector(views, at)
        .into_iter()
        .map(|v| (!v.is_default).then_some(v.value));
    Stored::Found(values.collect())
}
