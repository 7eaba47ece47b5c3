//! Where a suite's registry lies, a folder or S3. The same tests run on both.

#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ceteris_chassis::object_storage::ObjectStorage;
use ceteris_registry::Registry;
use ceteris_testkit::s3::S3;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// One server for the whole test binary; it ends with it.
static SERVER: OnceCell<S3> = OnceCell::const_new();
static PLACES: AtomicUsize = AtomicUsize::new(0);
const BUCKET: &str = "registry";

/// A root of its own in an object store.
pub struct Place {
    pub store: Arc<dyn ObjectStore>,
    pub prefix: Path,
    _folder: Option<TempDir>,
}

impl Place {
    pub async fn folder() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (store, prefix) = ObjectStorage::at(folder.path().display().to_string())
            .open()
            .unwrap();
        Place {
            store,
            prefix,
            _folder: Some(folder),
        }
    }

    pub async fn s3() -> Place {
        let (store, prefix) = storage(&server().await.endpoint()).open().unwrap();
        Place {
            store,
            prefix,
            _folder: None,
        }
    }

    pub fn registry(&self) -> Registry {
        Registry::over(self.store.clone(), self.prefix.clone())
    }

    pub fn path(&self, relative: &str) -> Path {
        relative
            .split('/')
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    pub async fn read(&self, relative: &str) -> Vec<u8> {
        let found = self.store.get(&self.path(relative)).await.unwrap();
        found.bytes().await.unwrap().to_vec()
    }

    pub async fn write(&self, relative: &str, bytes: impl Into<Vec<u8>>) {
        let bytes: Vec<u8> = bytes.into();
        self.store.put(&self.path(relative), bytes.into()).await.unwrap();
    }

    pub async fn remove(&self, relative: &str) {
        self.store.delete(&self.path(relative)).await.unwrap();
    }
}

pub async fn server() -> &'static S3 {
    let started = SERVER.get_or_try_init(|| async {
        let folder = format!(
            "{}/registry-s3-{}",
            env!("CARGO_TARGET_TMPDIR"),
            std::process::id()
        );
        let server = S3::start(folder.as_ref()).await?;
        server.create_bucket(BUCKET).await?;
        anyhow::Ok(server)
    });
    started.await.unwrap()
}

/// A new prefix behind this endpoint.
pub fn storage(endpoint: &str) -> ObjectStorage {
    let place = PLACES.fetch_add(1, Ordering::SeqCst);
    let mut storage = ObjectStorage::at(format!("s3://{BUCKET}/place-{place}"));
    storage.endpoint = Some(endpoint.to_owned());
    storage.access_key_id = Some(S3::ACCESS_KEY_ID.into());
    storage.secret_access_key = Some(S3::SECRET_ACCESS_KEY.into());
    storage.allow_http = true;
    storage
}

/// Runs each `async fn name(place: Place)` on a folder and on S3.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_a_folder {
            $(#[tokio::test] async fn $name() { super::$name($crate::support::Place::folder().await).await })+
        }
        mod on_s3 {
            $(#[tokio::test] async fn $name() { super::$name($crate::support::Place::s3().await).await })+
        }
    };
}
