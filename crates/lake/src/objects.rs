//! Small objects below one root: read, written once, listed.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::LakeError;

/// A root in an object store.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    pub store: Arc<dyn ObjectStore>,
    pub root: Path,
}

impl Objects {
    /// The object at `relative`, a clean slash-separated path below the root.
    pub(crate) fn path(&self, relative: &str) -> Path {
        relative
            .split('/')
            .fold(self.root.clone(), |path, part| path.join(part))
    }

    fn failed(what: &'static str, relative: &str) -> impl Fn(object_store::Error) -> LakeError {
        let path = relative.to_owned();
        move |source| LakeError::Store {
            what,
            path: path.clone(),
            source,
        }
    }

    async fn bytes(&self, relative: &str) -> Result<Option<Bytes>, LakeError> {
        let failed = Self::failed("read", relative);
        match self.store.get(&self.path(relative)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// The value at `relative`, or none.
    pub(crate) async fn get<T: DeserializeOwned>(&self, relative: &str) -> Result<Option<T>, LakeError> {
        let found = self.bytes(relative).await?;
        let parse =
            |bytes: Bytes| serde_json::from_slice(&bytes).map_err(|error| LakeError::file(relative, error));
        found.map(parse).transpose()
    }

    /// Puts a value where there is none yet, and tells what stands there afterwards: this one, or an earlier one. A reply
    /// that is lost, or that says there is one, is settled by reading.
    pub(crate) async fn create<T: Serialize + DeserializeOwned + Clone>(
        &self,
        relative: &str,
        value: &T,
    ) -> Result<T, LakeError> {
        let json = serde_json::to_vec_pretty(value).map_err(|error| LakeError::encode("an object", error))?;
        let options = PutOptions::from(PutMode::Create);
        let path = self.path(relative);
        let Err(source) = self.store.put_opts(&path, json.into(), options).await else {
            return Ok(value.clone());
        };
        match self.get(relative).await? {
            Some(found) => Ok(found),
            None => Err(Self::failed("write", relative)(source)),
        }
    }

    /// Deletes an object; one that is gone already is fine.
    pub(crate) async fn delete(&self, relative: &str) -> Result<(), LakeError> {
        match self.store.delete(&self.path(relative)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(Self::failed("delete", relative)(source)),
        }
    }

    /// Names of the folders right below `relative`, and of the JSON files there without their ending, in name order.
    pub(crate) async fn list(&self, relative: &str) -> Result<(Vec<String>, Vec<String>), LakeError> {
        let found = self.store.list_with_delimiter(Some(&self.path(relative))).await;
        let found = found.map_err(Self::failed("list", relative))?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut folders: Vec<String> = found.common_prefixes.iter().filter_map(name).collect();
        let names = found.objects.iter().filter_map(|meta| name(&meta.location));
        let mut files: Vec<String> = names
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        folders.sort();
        files.sort();
        Ok((folders, files))
    }
}
