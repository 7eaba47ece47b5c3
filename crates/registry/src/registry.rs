//! A registry: one root in an object store. What it holds is in `artifact`, `alias` and `problem`.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use crate::error::RegistryError;
use crate::objects::Objects;

/// Artifacts, problems and aliases under one root. Clones share the store.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) objects: Objects,
}

impl Registry {
    /// The registry in a folder, which is created where it is missing.
    ///
    /// # Errors
    /// [`RegistryError::Folder`], [`RegistryError::Store`].
    pub fn open(folder: impl AsRef<std::path::Path>) -> Result<Registry, RegistryError> {
        let folder = folder.as_ref();
        let path = folder.display().to_string();
        std::fs::create_dir_all(folder).map_err(|source| RegistryError::Folder {
            path: path.clone(),
            source,
        })?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|source| RegistryError::Store {
            what: "open",
            path,
            source,
        })?;
        Ok(Registry::over(Arc::new(store), Path::default()))
    }

    /// The registry under `prefix` of any object store that can put only if absent.
    pub fn over(store: Arc<dyn ObjectStore>, prefix: Path) -> Registry {
        Registry {
            objects: Objects { store, root: prefix },
        }
    }
}
