//! A store in memory whose puts, or whose replies, go wrong on demand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Each counter says how many of the next calls go wrong.
#[derive(Debug, Default)]
pub struct Deaf {
    inner: InMemory,
    /// Puts that are not applied.
    pub refuse: AtomicUsize,
    /// Puts that are applied, and whose reply is lost.
    pub lose: AtomicUsize,
    /// Reads without a reply.
    pub blind: AtomicUsize,
}

impl Deaf {
    pub fn new() -> Arc<Deaf> {
        Arc::default()
    }
}

fn due(count: &AtomicUsize) -> bool {
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
}

fn cut() -> Error {
    Error::Generic {
        store: "deaf",
        source: "the connection was cut".into(),
    }
}

impl fmt::Display for Deaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deaf({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Deaf {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if due(&self.refuse) {
            return Err(cut());
        }
        let answer = self.inner.put_opts(location, payload, opts).await;
        if due(&self.lose) { Err(cut()) } else { answer }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if due(&self.blind) {
            return Err(cut());
        }
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
