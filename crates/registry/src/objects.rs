//! Objects below one root: read, write once, list.

use std::sync::Arc;

use bytes::Bytes;
use ceteris_contract::identity::hex;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use sha2::{Digest, Sha256};

use crate::error::RegistryError;

/// A root in an object store.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    pub store: Arc<dyn ObjectStore>,
    pub root: Path,
}

/// What a write-once put found.
pub(crate) enum Created {
    /// The object holds what was to be written.
    Same,
    /// The object holds something else.
    Other(Bytes),
}

impl Objects {
    /// The object at `relative`, a clean slash-separated path below the root.
    pub(crate) fn path(&self, relative: &str) -> Path {
        relative
            .split('/')
            .fold(self.root.clone(), |path, part| path.join(part))
    }

    /// The object's bytes, or none.
    pub(crate) async fn get(&self, relative: &str) -> Result<Option<Bytes>, RegistryError> {
        let failed = |source| RegistryError::Store {
            what: "read",
            path: relative.to_owned(),
            source,
        };
        match self.store.get(&self.path(relative)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Whether there is such an object.
    pub(crate) async fn exists(&self, relative: &str) -> Result<bool, RegistryError> {
        match self.store.head(&self.path(relative)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(RegistryError::Store {
                what: "find",
                path: relative.to_owned(),
                source,
            }),
        }
    }

    /// Puts an object unless there is one. A reply that is lost, or that says there is one, is settled by reading.
    pub(crate) async fn create(&self, relative: &str, bytes: Bytes) -> Result<Created, RegistryError> {
        let options = PutOptions::from(PutMode::Create);
        let answer = self
            .store
            .put_opts(&self.path(relative), bytes.clone().into(), options)
            .await;
        let Err(source) = answer else {
            return Ok(Created::Same);
        };
        match self.get(relative).await? {
            Some(found) if found == bytes => Ok(Created::Same),
            Some(found) => Ok(Created::Other(found)),
            None => Err(RegistryError::Store {
                what: "write",
                path: relative.to_owned(),
                source,
            }),
        }
    }

    /// Puts an object that may be there only with the same content.
    pub(crate) async fn create_same(&self, relative: &str, bytes: Bytes) -> Result<(), RegistryError> {
        match self.create(relative, bytes.clone()).await? {
            Created::Same => Ok(()),
            Created::Other(found) => Err(RegistryError::ContentDiffers {
                file: relative.to_owned(),
                expected: sha256(&bytes),
                found: sha256(&found),
            }),
        }
    }

    /// Puts an object, whatever was there.
    pub(crate) async fn put(&self, relative: &str, bytes: Bytes) -> Result<(), RegistryError> {
        let failed = |source| RegistryError::Store {
            what: "write",
            path: relative.to_owned(),
            source,
        };
        self.store
            .put(&self.path(relative), bytes.into())
            .await
            .map(|_| ())
            .map_err(failed)
    }

    /// Names of the folders and files right below `relative`, each in name order.
    pub(crate) async fn list(&self, relative: &str) -> Result<(Vec<String>, Vec<String>), RegistryError> {
        let failed = |source| RegistryError::Store {
            what: "list",
            path: relative.to_owned(),
            source,
        };
        let found = self
            .store
            .list_with_delimiter(Some(&self.path(relative)))
            .await
            .map_err(failed)?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut folders: Vec<String> = found.common_prefixes.iter().filter_map(name).collect();
        let mut files: Vec<String> = found
            .objects
            .iter()
            .filter_map(|meta| name(&meta.location))
            .collect();
        folders.sort();
        files.sort();
        Ok((folders, files))
    }
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
