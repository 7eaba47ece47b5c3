//! Where a suite's lake lies: a folder, or S3. The same tests run on both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ceteris_chassis::object_storage::ObjectStorage;
use ceteris_lake::{Lake, LakeError};
use ceteris_testkit::s3::S3;
use object_store::ObjectStore;
use object_store::path::Path;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::NOW;

/// One server for the whole test binary; it ends with it.
static SERVER: OnceCell<S3> = OnceCell::const_new();
static PLACES: AtomicUsize = AtomicUsize::new(0);
const BUCKET: &str = "lake";

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

    pub async fn open(&self, buckets: u16) -> Lake {
        self.try_open(buckets).await.unwrap()
    }

    pub async fn try_open(&self, buckets: u16) -> Result<Lake, LakeError> {
        Lake::over(self.store.clone(), self.prefix.clone(), buckets, NOW).await
    }

    pub async fn load(&self) -> Result<Lake, LakeError> {
        Lake::load_over(self.store.clone(), self.prefix.clone()).await
    }

    /// The object at `relative`.
    pub fn path(&self, relative: &str) -> Path {
        relative
            .split('/')
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The paths of all data files.
    pub async fn data_files(&self) -> Vec<Path> {
        use futures::TryStreamExt;
        let listed: Vec<_> = self.store.list(Some(&self.prefix)).try_collect().await.unwrap();
        let mut paths: Vec<Path> = listed.into_iter().map(|meta| meta.location).collect();
        paths.retain(|path| path.as_ref().contains("/part-"));
        paths.sort();
        paths
    }
}

pub async fn server() -> &'static S3 {
    let started = SERVER.get_or_try_init(|| async {
        let folder = format!("{}/lake-s3-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
        let server = S3::start(folder.as_ref()).await?;
        server.create_bucket(BUCKET).await?;
        anyhow::Ok(server)
    });
    started.await.unwrap()
}

/// A new prefix behind this endpoint, with little patience.
pub fn storage(endpoint: &str) -> ObjectStorage {
    let place = PLACES.fetch_add(1, Ordering::SeqCst);
    let mut storage = ObjectStorage::at(format!("s3://{BUCKET}/place-{place}"));
    storage.endpoint = Some(endpoint.to_owned());
    storage.access_key_id = Some(S3::ACCESS_KEY_ID.into());
    storage.secret_access_key = Some(S3::SECRET_ACCESS_KEY.into());
    storage.allow_http = true;
    storage.request_timeout = Duration::from_secs(20);
    storage
}

/// Runs each `async fn name(place: Place)` on a folder and on S3.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_a_folder {
            $(#[tokio::test] async fn $name() { super::$name($crate::support::place::Place::folder().await).await })+
        }
        mod on_s3 {
            $(#[tokio::test] async fn $name() { super::$name($crate::support::place::Place::s3().await).await })+
        }
    };
}
