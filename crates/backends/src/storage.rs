//! `[storage]` and `[lake]`: everything at rest in object storage, below one prefix.

use std::sync::Arc;

use anyhow::Context;
use ceteris_chassis::config::Settings;
use ceteris_chassis::object_storage::ObjectStorage;
use ceteris_contract::time::Timestamp;
use ceteris_lake::{Datasets, Lake};
use ceteris_registry::Registry;
use object_store::ObjectStore;
use object_store::path::Path;

/// Object storage that was opened. No request has been sent to it yet.
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// Reads `[storage]` and opens the storage; no request is sent yet. `None` means that a fault has been noted.
pub fn read(settings: &mut Settings) -> Option<Storage> {
    let url: Option<String> = settings.value("storage.url");
    let endpoint = settings.optional("storage.endpoint");
    let region = settings.value("storage.region");
    let access_key_id = settings.optional("storage.access_key_id");
    let secret_access_key = settings.secret("storage.secret_access_key");
    let allow_http = settings.value("storage.allow_http");
    let storage = ObjectStorage {
        endpoint,
        region: region?,
        access_key_id,
        secret_access_key,
        allow_http: allow_http?,
        ..ObjectStorage::at(url?)
    };
    match storage.open() {
        Ok((store, prefix)) => Some(Storage { store, prefix }),
        Err(error) => {
            settings.fault("storage", &error.to_string());
            None
        }
    }
}

/// Reads `lake.buckets`. `None` means that a fault has been noted.
pub fn read_buckets(settings: &mut Settings) -> Option<u16> {
    let buckets = settings.value::<u16>("lake.buckets")?;
    if !buckets.is_power_of_two() || buckets > 4096 {
        settings.fault("lake.buckets", "give a power of two up to 4096");
    }
    Some(buckets)
}

impl Storage {
    fn below(&self, name: &'static str) -> Path {
        self.prefix.clone().join(name)
    }

    /// Artifacts, problems and aliases.
    pub fn registry(&self) -> Registry {
        Registry::over(Arc::clone(&self.store), self.below("registry"))
    }

    /// Requests for datasets, datasets, and what became of them.
    pub fn datasets(&self) -> Datasets {
        Datasets::over(Arc::clone(&self.store), self.below("datasets"))
    }

    /// The lake, which must be there.
    ///
    /// # Errors
    /// Those of the lake.
    pub async fn existing_lake(&self) -> anyhow::Result<Lake> {
        Lake::load_over(Arc::clone(&self.store), self.below("lake"))
            .await
            .context("open the lake")
    }

    /// The lake, made where it is missing.
    ///
    /// # Errors
    /// Those of the lake.
    pub async fn lake(&self, buckets: u16, now: Timestamp) -> anyhow::Result<Lake> {
        Lake::over(Arc::clone(&self.store), self.below("lake"), buckets, now)
            .await
            .context("open the lake")
    }
}
