//! What the lake's tests share: events to write, and an object store whose answers go wrong on demand.

#![allow(dead_code, clippy::unwrap_used)]

#[macro_use]
pub mod place;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_lake::{EventColumn, EventRow, LogPosition, Offsets, Snapshot};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// 2026-01-01T00:00:00Z, as every test's clock.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000_000);
/// The topic of every test.
pub const TOPIC: &str = "user_events";

/// Event number `i` of a world of fifty users and three days.
pub fn event(i: u64) -> EventRow {
    let unit = IdentityKey::new([7; 32]).unit(&format!("user-{}", i % 50));
    let properties = serde_json::json!({"amount": i as f64 / 4.0, "n": i});
    let event = StoredEvent {
        event_id: format!("e-{i}"),
        unit,
        event_type: ["page_view", "purchase", "cart_viewed"][(i % 3) as usize].to_owned(),
        ts: Timestamp(NOW.0 + (i % 3) as i64 * DAY_US + i as i64),
        arrived_at: Timestamp(NOW.0 + 5 * DAY_US + i as i64),
        session_id: i.is_multiple_of(2).then(|| format!("s-{}", i / 10)),
        properties: properties.as_object().cloned().unwrap_or_default(),
    };
    EventRow {
        event,
        log: Some(LogPosition {
            topic: TOPIC.into(),
            partition: 0,
            offset: i,
        }),
    }
}

/// Events `from..to`.
pub fn events(from: u64, to: u64) -> Vec<EventRow> {
    (from..to).map(event).collect()
}

/// The offsets of record with this one entry.
pub fn at(partition: u32, next: u64) -> Offsets {
    BTreeMap::from([((TOPIC.to_owned(), partition), next)])
}

/// No offsets.
pub fn nowhere() -> Offsets {
    Offsets::new()
}

/// Every event of a snapshot, by id.
pub async fn all(snapshot: &Snapshot<EventRow>, buckets: u16) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    for bucket in 0..buckets {
        let found = snapshot.read_bucket(bucket, EventColumn::ALL).await.unwrap();
        assert!(found.iter().all(|event| event.unit.bucket(buckets) == bucket));
        events.extend(found);
    }
    events.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    events
}

/// The events of these rows, by id.
pub fn sorted(rows: Vec<EventRow>) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = rows.into_iter().map(|row| row.event).collect();
    events.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    events
}

/// A store that loses puts of commits, before or after they happen, and counts reads.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    /// So many puts happen before the process counts as killed and none does.
    pub puts: AtomicUsize,
    /// So many puts of commits fail without happening.
    pub refuse: AtomicUsize,
    /// So many puts of commits happen and answer an error.
    pub lose: AtomicUsize,
    /// Reads so far.
    pub reads: AtomicUsize,
    /// Reads under way.
    flying: AtomicUsize,
    /// The most that were under way at once.
    pub flying_max: AtomicUsize,
}

impl Faulty {
    pub fn over(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Faulty {
            inner,
            puts: AtomicUsize::new(usize::MAX),
            refuse: AtomicUsize::new(0),
            lose: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            flying: AtomicUsize::new(0),
            flying_max: AtomicUsize::new(0),
        })
    }
}

fn take(count: &AtomicUsize) -> bool {
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
}

fn cut() -> object_store::Error {
    object_store::Error::Generic {
        store: "faulty",
        source: "the connection was cut".into(),
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let commit = location.as_ref().contains("_delta_log/") && location.as_ref().ends_with(".json");
        if !take(&self.puts) || (commit && take(&self.refuse)) {
            return Err(cut());
        }
        let answer = self.inner.put_opts(location, payload, opts).await;
        if commit && take(&self.lose) {
            return Err(cut());
        }
        answer
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let flying = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
        self.flying_max.fetch_max(flying, Ordering::SeqCst);
        let answer = self.inner.get_opts(location, options).await;
        self.flying.fetch_sub(1, Ordering::SeqCst);
        answer
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
