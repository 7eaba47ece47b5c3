//! For tests: a store over another one, whose calls go wrong on demand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// A store whose calls go wrong on demand, and that counts its reads. Each counter of faults says how many of the next
/// calls are concerned.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    /// The objects whose puts are refused or lose their reply.
    concerned: fn(&Path) -> bool,
    /// Puts that are not applied.
    pub refuse: AtomicUsize,
    /// Puts that are applied, and whose reply is lost.
    pub lose: AtomicUsize,
    /// Reads without a reply.
    pub blind: AtomicUsize,
    /// So many puts and deletes happen before the process counts as killed, and none happens any more.
    pub writes: AtomicUsize,
    dead: AtomicBool,
    /// Reads so far.
    pub reads: AtomicUsize,
    /// Reads under way.
    flying: AtomicUsize,
    /// The most that were under way at once.
    pub flying_max: AtomicUsize,
}

impl FaultyStore {
    /// Nothing goes wrong yet.
    pub fn over(inner: Arc<dyn ObjectStore>) -> Arc<FaultyStore> {
        FaultyStore::concerning(inner, |_| true)
    }

    /// As [`over`](Self::over); only puts of these objects are refused or lose their reply.
    pub fn concerning(inner: Arc<dyn ObjectStore>, concerned: fn(&Path) -> bool) -> Arc<FaultyStore> {
        Arc::new(FaultyStore {
            inner,
            concerned,
            refuse: AtomicUsize::new(0),
            lose: AtomicUsize::new(0),
            blind: AtomicUsize::new(0),
            writes: AtomicUsize::new(usize::MAX),
            dead: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            flying: AtomicUsize::new(0),
            flying_max: AtomicUsize::new(0),
        })
    }

    /// Whether a write was wanted that did not happen because the process counts as killed.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn write(&self) -> Result<()> {
        if take(&self.writes) {
            return Ok(());
        }
        self.dead.store(true, Ordering::SeqCst);
        Err(cut())
    }
}

fn take(count: &AtomicUsize) -> bool {
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
}

fn cut() -> Error {
    Error::Generic {
        store: "faulty",
        source: "the connection was cut".into(),
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let concerned = (self.concerned)(location);
        self.write()?;
        if concerned && take(&self.refuse) {
            return Err(cut());
        }
        let answer = self.inner.put_opts(location, payload, opts).await;
        match concerned && take(&self.lose) {
            true => Err(cut()),
            false => answer,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.write()?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if take(&self.blind) {
            return Err(cut());
        }
        let flying = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
        self.flying_max.fetch_max(flying, Ordering::SeqCst);
        let answer = self.inner.get_opts(location, options).await;
        self.flying.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.write() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write()?;
        self.inner.copy_opts(from, to, options).await
    }
}
