//! What only the twin on disk does: it is there again after a restart, also after kill -9, and does not grow forever.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::UnitKey;
use ceteris_contract::time::Timestamp;
use ceteris_feature_store::conformance::{slot, unit};
use ceteris_feature_store::{FeatureStore, JournalStore, Options, Owner, Read, StoreError, Write};

const OWNER: Owner = Owner(7);

fn open(folder: &Path) -> Result<JournalStore, StoreError> {
    let options = Options {
        partitions: 4,
        stale_after: Span(1_000),
        segment_bytes_max: 4 << 10,
        ..Options::default()
    };
    JournalStore::open(folder, options)
}

fn key(number: u64) -> UnitKey {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    UnitKey(bytes)
}

#[tokio::test]
async fn a_restart_loses_nothing_and_other_partitions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (unit(1, 1), unit(2, 1));
    {
        let store = open(folder.path()).unwrap();
        assert!(open(folder.path()).is_err(), "one process at a time");
        store.claim(slot(1), OWNER).await.unwrap();
        let writes = [a, b].map(|u| Write {
            unit: u.key,
            blob: Some("x".into()),
        });
        store
            .flush(slot(1), OWNER, writes.to_vec(), 3, Timestamp(10))
            .await
            .unwrap();
        let gone = Write {
            unit: b.key,
            blob: None,
        };
        store
            .flush(slot(1), OWNER, vec![gone], 4, Timestamp(11))
            .await
            .unwrap();
    }
    let store = open(folder.path()).unwrap();
    assert_eq!(
        store.read(slot(1).schema, a, Timestamp(11)).await,
        Read::Found("x".into())
    );
    assert_eq!(store.read(slot(1).schema, b, Timestamp(11)).await, Read::Absent);
    // The fence outlives the process too.
    let fenced = store.flush(slot(1), Owner(8), vec![], 9, Timestamp(12)).await;
    assert!(matches!(
        fenced,
        Err(StoreError::Fenced {
            owner: Some(OWNER),
            ..
        })
    ));
    store
        .flush(slot(1), OWNER, vec![], 5, Timestamp(12))
        .await
        .unwrap();
    drop(store);
    let other = Options {
        partitions: 8,
        ..Options::default()
    };
    let refused = JournalStore::open(folder.path(), other);
    assert!(matches!(
        refused,
        Err(StoreError::PartitionsChanged { stored: 4, asked: 8 })
    ));
    let odd = JournalStore::open(
        folder.path(),
        Options {
            partitions: 6,
            ..Options::default()
        },
    );
    assert!(matches!(odd, Err(StoreError::Partitions { partitions: 6 })));
}

#[tokio::test]
async fn the_journal_is_compacted_and_says_the_same_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let mut most = 0;
    for partition in [1, 2] {
        store.claim(slot(partition), OWNER).await.unwrap();
    }
    for round in 0..3_000u64 {
        let blob = Bytes::from(format!("{round:0100}"));
        let writes = (0..5)
            .map(|i| Write {
                unit: key((round + i * 7) % 40),
                blob: Some(blob.clone()),
            })
            .collect();
        store
            .flush(
                slot(1 + (round % 2) as u16),
                OWNER,
                writes,
                round,
                Timestamp(round as i64),
            )
            .await
            .unwrap();
        most = most.max(store.bytes_used());
    }
    // Live: 2 × 40 blobs of 121 bytes; bound: four segments of 4 KiB and thrice that, and one flush beyond.
    assert!(most < 16_384 + 3 * 80 * 121 + 5_000, "{most} bytes");
    let units: Vec<UnitKey> = (0..40).map(key).collect();
    let read = async |store: &JournalStore| {
        let mut all = Vec::new();
        for partition in [1, 2] {
            all.push((
                store.marker(slot(partition)).await.unwrap(),
                store.blobs(slot(partition), &units).await.unwrap(),
            ));
        }
        all
    };
    let before = read(&store).await;
    assert_eq!(before[1].0.unwrap().next_offset, 2_999);
    drop(store);
    assert_eq!(read(&open(folder.path()).unwrap()).await, before);
}

/// Flushes until it is killed: three units and the marker always carry the same number.
#[test]
fn child() {
    let Some(folder) = std::env::var_os("CETERIS_TEST_FOLDER") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&folder)).unwrap();
        let from = store
            .claim(slot(1), OWNER)
            .await
            .unwrap()
            .map_or(0, |marker| marker.next_offset);
        for next in from + 1.. {
            let blob = Bytes::from(next.to_string().repeat(20));
            let writes = (0..3)
                .map(|i| Write {
                    unit: key(i),
                    blob: Some(blob.clone()),
                })
                .collect();
            store
                .flush(slot(1), OWNER, writes, next, Timestamp(1))
                .await
                .unwrap();
            writeln!(std::io::stdout(), "acknowledged {next}").unwrap();
        }
    });
}

#[tokio::test]
async fn kill_9_takes_back_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut reached = 0;
    for round in 0..12 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env("CETERIS_TEST_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut numbers = lines.map_while(Result::ok).filter_map(|line| {
            line.rsplit_once("acknowledged ")
                .and_then(|(_, number)| number.parse::<u64>().ok())
        });
        let stop = reached + 37 * (round + 1);
        let mut last = numbers.by_ref().find(|n| *n >= stop).unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        last = numbers.last().unwrap_or(last);
        let store = open(folder.path()).unwrap();
        let next = store.marker(slot(1)).await.unwrap().unwrap().next_offset;
        assert!(
            next == last || next == last + 1,
            "marker {next}, acknowledged {last}"
        );
        let blob = Bytes::from(next.to_string().repeat(20));
        let blobs = store.blobs(slot(1), &[key(0), key(1), key(2)]).await.unwrap();
        assert_eq!(blobs, vec![Some(blob); 3], "blobs and marker are of one flush");
        reached = next;
    }
}
