//! Objects below one root: read, create, put, delete, list.

use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use crate::error::ObjectError;

/// A root in an object store. Clones share the store.
///
/// A `relative` name is a clean, slash-separated path below the root.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    root: Path,
}

/// What stands under a name after a write-once put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// What was to be written: by this put, or by another one.
    Same,
    /// Something else, which was there before.
    Other(Bytes),
}

/// The names right below a folder, each list in name order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Folders.
    pub folders: Vec<String>,
    /// Objects.
    pub files: Vec<String>,
}

impl Objects {
    /// Those below `root` of any store that can put only if absent.
    pub fn new(store: Arc<dyn ObjectStore>, root: Path) -> Objects {
        Objects { store, root }
    }

    /// Those in a folder, which is created where it is missing.
    ///
    /// # Errors
    /// [`ObjectError::Folder`], [`ObjectError::Store`].
    pub fn in_folder(folder: &std::path::Path) -> Result<Objects, ObjectError> {
        let path = folder.display().to_string();
        std::fs::create_dir_all(folder).map_err(|source| ObjectError::Folder {
            path: path.clone(),
            source,
        })?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(ObjectError::store("open", path))?;
        Ok(Objects::new(Arc::new(store), Path::default()))
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an object lies in the store.
    pub fn path(&self, relative: &str) -> Path {
        relative
            .split('/')
            .fold(self.root.clone(), |path, part| path.join(part))
    }

    /// The content of an object, or none.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn get(&self, relative: &str) -> Result<Option<Bytes>, ObjectError> {
        self.get_at(&self.path(relative)).await
    }

    /// As [`get`](Self::get), by the object's place in the store.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn get_at(&self, path: &Path) -> Result<Option<Bytes>, ObjectError> {
        let failed = ObjectError::store("read", path.to_string());
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// Whether there is such an object.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn exists(&self, relative: &str) -> Result<bool, ObjectError> {
        let path = self.path(relative);
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(ObjectError::store("find", path.to_string())(source)),
        }
    }

    /// Puts an object where there is none yet, and tells what stands there afterwards. A put that fails, also because
    /// something is there, is settled by reading.
    ///
    /// # Errors
    /// [`ObjectError::NotWritten`] where nothing is there afterwards; [`ObjectError::Store`] where that could not be
    /// found out.
    pub async fn create(&self, relative: &str, content: Bytes) -> Result<Created, ObjectError> {
        let path = self.path(relative);
        let options = PutOptions::from(PutMode::Create);
        let put = self.store.put_opts(&path, content.clone().into(), options).await;
        let Err(source) = put else {
            return Ok(Created::Same);
        };
        match self.get_at(&path).await? {
            Some(found) if found == content => Ok(Created::Same),
            Some(found) => Ok(Created::Other(found)),
            None => Err(ObjectError::NotWritten {
                path: path.to_string(),
                source,
            }),
        }
    }

    /// Puts an object, whatever was there.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn put(&self, relative: &str, content: Bytes) -> Result<(), ObjectError> {
        let path = self.path(relative);
        let put = self.store.put(&path, content.into()).await;
        put.map(|_| ())
            .map_err(ObjectError::store("write", path.to_string()))
    }

    /// Deletes an object. One that is gone already is fine.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn delete(&self, relative: &str) -> Result<(), ObjectError> {
        let path = self.path(relative);
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(ObjectError::store("delete", path.to_string())(source)),
        }
    }

    /// What lies right below a folder.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn list(&self, relative: &str) -> Result<Listing, ObjectError> {
        let path = self.path(relative);
        let found = self.store.list_with_delimiter(Some(&path)).await;
        let found = found.map_err(ObjectError::store("list", path.to_string()))?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut folders: Vec<String> = found.common_prefixes.iter().filter_map(name).collect();
        let files = found.objects.iter().filter_map(|meta| name(&meta.location));
        let mut files: Vec<String> = files.collect();
        folders.sort();
        files.sort();
        Ok(Listing { folders, files })
    }
}
