//! The port's suite on both stores of this crate.

use std::sync::Arc;

use ceteris_feature_store::conformance::{PARTITIONS, STALE_AFTER, run};
use ceteris_feature_store::{FeatureStore, JournalStore, MemoryStore, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    run(async || Arc::new(MemoryStore::new(PARTITIONS, STALE_AFTER).unwrap()) as Arc<dyn FeatureStore>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_twin_conforms() {
    let folders = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    run(async || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Small segments, so that the suite also runs across rolled ones.
        let options = Options {
            partitions: PARTITIONS,
            stale_after: STALE_AFTER,
            segment_bytes_max: 256,
            ..Options::default()
        };
        Arc::new(JournalStore::open(folders.path().join(number.to_string()), options).unwrap())
            as Arc<dyn FeatureStore>
    })
    .await;
}
