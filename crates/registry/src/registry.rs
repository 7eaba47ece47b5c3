//! A registry: one root in an object store. What it holds is in `artifact`, `alias` and `problem`.

use std::sync::Arc;

use bytes::Bytes;
use ceteris_contract::identity::hex;
use ceteris_objects::{Created, Objects};
use object_store::ObjectStore;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use crate::error::RegistryError;

/// Artifacts, problems and aliases under one root. Clones share the store.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) objects: Objects,
}

impl Registry {
    /// The registry in a folder, which is created where it is missing.
    ///
    /// # Errors
    /// [`RegistryError::Object`].
    pub fn open(folder: impl AsRef<std::path::Path>) -> Result<Registry, RegistryError> {
        let objects = Objects::in_folder(folder.as_ref())?;
        Ok(Registry { objects })
    }

    /// The registry under `prefix` of any object store that can put only if absent.
    pub fn over(store: Arc<dyn ObjectStore>, prefix: Path) -> Registry {
        Registry {
            objects: Objects::new(store, prefix),
        }
    }

    /// Puts an object that may be there only with the same content.
    pub(crate) async fn create_same(&self, relative: &str, bytes: Bytes) -> Result<(), RegistryError> {
        match self.objects.create(relative, bytes.clone()).await? {
            Created::Same => Ok(()),
            Created::Other(found) => Err(RegistryError::ContentDiffers {
                file: relative.to_owned(),
                expected: sha256(&bytes),
                found: sha256(&found),
            }),
        }
    }
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
