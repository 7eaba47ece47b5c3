//! The port on a real Redis: the suite, and what only a server can do: go away, come back empty or without its last
//! writes, be slow, be cut off in the middle of a flush.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ceteris_contract::disposition::{Disposition, HasDisposition};
use ceteris_contract::time::Timestamp;
use ceteris_feature_store::conformance::{PARTITIONS, STALE_AFTER, run, slot, unit};
use ceteris_feature_store::{
    FeatureStore, Marker, Owner, Read, RedisOptions, RedisStore, StoreError, Unknown, Write,
};
use ceteris_redis_link::BreakerOptions;
use ceteris_redis_link::redis::{self, AsyncCommands, InfoDict, cmd};
use ceteris_testkit::proxy::{Proxy, Weather};
use ceteris_testkit::redis::{Keeping, Redis, url};
use ceteris_testkit::wait::wait_for;
use tempfile::TempDir;

const OWNER: Owner = Owner(7);
const PATIENCE: Duration = Duration::from_secs(60);

/// Deadlines that a busy machine keeps.
fn options() -> RedisOptions {
    RedisOptions {
        partitions: PARTITIONS,
        stale_after: STALE_AFTER,
        read_deadline: Duration::from_secs(10),
        ..RedisOptions::default()
    }
}

async fn server(keeping: Keeping) -> (TempDir, Redis) {
    let folder = tempfile::tempdir().unwrap();
    let server = Redis::start_with(folder.path(), keeping).await.unwrap();
    (folder, server)
}

fn put(number: u8, blob: &str) -> Write {
    Write {
        unit: unit(number, 1).key,
        blob: Some(Bytes::copy_from_slice(blob.as_bytes())),
    }
}

async fn flush(store: &RedisStore, writes: Vec<Write>, next: u64) -> Result<(), StoreError> {
    store.flush(slot(1), OWNER, writes, next, Timestamp(100)).await
}

async fn read(store: &RedisStore, number: u8) -> Read {
    store.read(slot(1).schema, unit(number, 1), Timestamp(100)).await
}

/// Reads until something else than a failure comes back.
async fn read_again(store: &RedisStore, number: u8) -> Read {
    wait_for("redis to be read again", PATIENCE, || async {
        let read = read(store, number).await;
        Ok((!matches!(read, Read::Unknown(Unknown::Failed(_)))).then_some(read))
    })
    .await
    .unwrap()
}

async fn client(server: &Redis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// How often the server has run a command.
async fn calls(connection: &mut redis::aio::MultiplexedConnection, command: &str) -> u64 {
    let info: InfoDict = cmd("INFO")
        .arg("commandstats")
        .query_async(connection)
        .await
        .unwrap();
    let stats: Option<String> = info.get(&format!("cmdstat_{command}"));
    stats.map_or(0, |stats| {
        let calls = stats.split(',').next().unwrap().strip_prefix("calls=").unwrap();
        calls.parse().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_conforms() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let count = AtomicU32::new(0);
    run(async || {
        let options = RedisOptions {
            prefix: format!("store-{}:", count.fetch_add(1, Ordering::Relaxed)),
            ..options()
        };
        Arc::new(RedisStore::open(&server.url(), options).unwrap()) as Arc<dyn FeatureStore>
    })
    .await;
}

#[tokio::test]
async fn a_redis_restarted_empty_knows_nothing_and_takes_no_half_a_partition() {
    let (_folder, mut server) = server(Keeping::Snapshots).await;
    let store = RedisStore::open(&server.url(), options()).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, vec![put(1, "a")], 5).await.unwrap();
    assert_eq!(read(&store, 1).await, Read::Found("a".into()));
    assert_eq!(read(&store, 2).await, Read::Absent);
    server.restart_empty().await.unwrap();
    for number in [1, 2] {
        assert_eq!(
            read_again(&store, number).await,
            Read::Unknown(Unknown::NoMarker),
            "a lost marker is never a new user"
        );
    }
    // Were it taken, the marker would stand over blobs that are gone.
    let refused = wait_for("the owner's connection", PATIENCE, || async {
        let refused = flush(&store, vec![put(2, "b")], 6).await.unwrap_err();
        Ok((refused.disposition() != Disposition::Retry).then_some(refused))
    })
    .await
    .unwrap();
    assert!(
        matches!(
            refused,
            StoreError::Fenced {
                owner: None,
                asked: OWNER
            }
        ),
        "{refused:?}"
    );
    assert_eq!(
        store.claim(slot(1), OWNER).await.unwrap(),
        None,
        "from the beginning"
    );
    flush(&store, vec![put(1, "again")], 1).await.unwrap();
    assert_eq!(read(&store, 1).await, Read::Found("again".into()));
}

#[tokio::test]
async fn a_lost_suffix_takes_marker_and_blobs_back_together_and_the_owner_is_told() {
    let (_folder, mut server) = server(Keeping::Snapshots).await;
    let store = RedisStore::open(&server.url(), options()).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, vec![put(1, "a1")], 5).await.unwrap();
    server.save().await.unwrap();
    flush(&store, vec![put(1, "a2"), put(2, "b")], 9).await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(read_again(&store, 1).await, Read::Found("a1".into()));
    assert_eq!(
        read_again(&store, 2).await,
        Read::Absent,
        "as of the marker's offset"
    );
    // The owner believes unit 2 to be written: were its next flush taken, unit 2 would be missing under a current marker.
    let told = wait_for("the owner's connection", PATIENCE, || async {
        let told = flush(&store, vec![put(3, "c")], 12).await.unwrap_err();
        Ok((told.disposition() != Disposition::Retry).then_some(told))
    })
    .await
    .unwrap();
    assert!(
        matches!(
            told,
            StoreError::Diverged {
                acknowledged: 2,
                found: 1
            }
        ),
        "{told:?}"
    );
    assert_eq!(read(&store, 3).await, Read::Absent, "nothing was written");
    let marker = store.claim(slot(1), Owner(8)).await.unwrap();
    let expected = Marker {
        owner: Owner(8),
        next_offset: 5,
        at: Timestamp(100),
    };
    assert_eq!(
        marker,
        Some(expected),
        "the next owner goes on from what is there"
    );
}

#[tokio::test]
async fn with_its_log_of_writes_a_killed_redis_loses_nothing_acknowledged() {
    let (_folder, mut server) = server(Keeping::Everything).await;
    let store = RedisStore::open(&server.url(), options()).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, vec![put(1, "a")], 5).await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(read_again(&store, 1).await, Read::Found("a".into()));
    let flushed = wait_for("the owner's connection", PATIENCE, || async {
        Ok(flush(&store, vec![put(2, "b")], 6).await.ok())
    });
    flushed.await.unwrap();
}

#[tokio::test]
async fn a_zombie_owner_is_refused_after_anothers_claim() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let zombie = RedisStore::open(&server.url(), options()).unwrap();
    zombie.claim(slot(1), OWNER).await.unwrap();
    flush(&zombie, vec![put(1, "a")], 5).await.unwrap();
    let other = RedisStore::open(&server.url(), options()).unwrap();
    other.claim(slot(1), Owner(8)).await.unwrap();
    let refused = flush(&zombie, vec![put(1, "zombie")], 6).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Fenced {
                owner: Some(Owner(8)),
                asked: OWNER
            }
        ),
        "{refused:?}"
    );
    assert_eq!(read(&other, 1).await, Read::Found("a".into()));
    // A claim outlives the process that made it.
    drop(other);
    let next = RedisStore::open(&server.url(), options()).unwrap();
    let write = vec![put(1, "next")];
    next.flush(slot(1), Owner(8), write, 6, Timestamp(100))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flush_that_timed_out_and_arrives_late_undoes_nothing() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let impatient = RedisOptions {
        write_deadline: Duration::from_secs(2),
        ..options()
    };
    let slow = RedisStore::open(&url(proxy.address()), impatient).unwrap();
    slow.claim(slot(1), OWNER).await.unwrap();
    flush(&slow, vec![put(1, "first")], 5).await.unwrap();
    proxy.set(Weather::Still);
    let error = flush(&slow, vec![put(1, "late")], 6).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry, "{error:?}");
    // The same owner by another way, at the same offset: only the order of the attempts tells them apart.
    let direct = RedisStore::open(&server.url(), options()).unwrap();
    flush(&direct, vec![put(1, "newer")], 6).await.unwrap();
    let mut connection = client(&server).await;
    let before = calls(&mut connection, "evalsha").await;
    proxy.set(Weather::Fair);
    wait_for("the late flush to arrive", PATIENCE, || {
        let mut connection = connection.clone();
        async move { Ok((calls(&mut connection, "evalsha").await > before).then_some(())) }
    })
    .await
    .unwrap();
    assert_eq!(read(&direct, 1).await, Read::Found("newer".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_in_the_middle_of_flushes_leave_whole_flushes() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let store = Arc::new(RedisStore::open(&url(proxy.address()), options()).unwrap());
    let direct = RedisStore::open(&server.url(), options()).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let (owner, progress) = (Arc::clone(&store), Arc::clone(&done));
    let flushing = tokio::spawn(async move {
        let mut cut = 0;
        for next in 1..=300u64 {
            let writes = || {
                (0..20)
                    .map(|unit| put(unit, &next.to_string().repeat(500)))
                    .collect()
            };
            loop {
                match flush(&owner, writes(), next).await {
                    Ok(()) => break,
                    Err(error) => {
                        assert_eq!(error.disposition(), Disposition::Retry, "{error:?}");
                        cut += 1;
                    }
                }
            }
            progress.store(next, Ordering::Release);
        }
        cut
    });
    let units: Vec<_> = (0..20).map(|number| unit(number, 1).key).collect();
    while !flushing.is_finished() {
        let reached = done.load(Ordering::Acquire);
        proxy.set(Weather::Down);
        if let Some(marker) = direct.marker(slot(1)).await.unwrap() {
            let blobs = direct.blobs(slot(1), &units).await.unwrap();
            // A flush may lie between the two reads, but half of one never does.
            assert!(
                blobs.iter().all(|blob| blob == &blobs[0]),
                "blobs are of one flush"
            );
            let text = String::from_utf8(blobs[0].clone().unwrap().to_vec()).unwrap();
            let at: u64 = text[..text.len() / 500].parse().unwrap();
            assert!(at == marker.next_offset || at == marker.next_offset + 1);
        }
        proxy.set(Weather::Fair);
        wait_for("progress", PATIENCE, || async {
            let moved = done.load(Ordering::Acquire) > reached + 5 || flushing.is_finished();
            Ok(moved.then_some(()))
        })
        .await
        .unwrap();
    }
    let cut = flushing.await.unwrap();
    assert!(cut > 0, "no flush was cut off");
    let marker = direct.marker(slot(1)).await.unwrap().unwrap();
    assert_eq!(marker.next_offset, 300);
}

#[tokio::test]
async fn a_redis_that_stands_still_makes_reads_unknown_until_it_goes_on() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let options = RedisOptions {
        read_deadline: Duration::from_millis(100),
        breaker: BreakerOptions {
            failures_max: 3,
            pause: Duration::from_millis(200),
        },
        ..options()
    };
    let store = RedisStore::open(&server.url(), options).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, vec![put(1, "a")], 5).await.unwrap();
    assert_eq!(read_again(&store, 1).await, Read::Found("a".into()));
    server.pause();
    wait_for("the breaker to open", PATIENCE, || async {
        // Each read ends although the server answers none.
        let read = read(&store, 1).await;
        assert!(matches!(read, Read::Unknown(Unknown::Failed(_))), "{read:?}");
        Ok(store.breaker_is_open().then_some(()))
    })
    .await
    .unwrap();
    server.resume();
    assert_eq!(read_again(&store, 1).await, Read::Found("a".into()));
    assert!(!store.breaker_is_open(), "a probe that succeeds closes it");
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_found_when_it_comes() {
    let (_folder, mut server) = server(Keeping::Everything).await;
    {
        let store = RedisStore::open(&server.url(), options()).unwrap();
        store.claim(slot(1), OWNER).await.unwrap();
        flush(&store, vec![put(1, "a")], 5).await.unwrap();
    }
    server.kill_9().unwrap();
    let store = RedisStore::open(&server.url(), options()).unwrap();
    assert!(store.check().await.is_err());
    let read = read(&store, 1).await;
    assert!(matches!(read, Read::Unknown(Unknown::Failed(_))), "{read:?}");
    server.restart().await.unwrap();
    assert_eq!(read_again(&store, 1).await, Read::Found("a".into()));
}

#[tokio::test]
async fn reads_at_once_share_round_trips() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let store = RedisStore::open(&server.url(), options()).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, (0..200).map(|n| put(n, &n.to_string())).collect(), 1)
        .await
        .unwrap();
    let mut connection = client(&server).await;
    let before = calls(&mut connection, "mget").await;
    let reads = futures::future::join_all((0..=200).map(|number| read(&store, number))).await;
    for (number, read) in reads.into_iter().enumerate() {
        let expected = match number {
            200 => Read::Absent,
            _ => Read::Found(number.to_string().into()),
        };
        assert_eq!(read, expected, "unit {number}");
    }
    let trips = calls(&mut connection, "mget").await - before;
    assert!(
        (1..=20).contains(&trips),
        "{trips} round trips for 201 reads at once"
    );
}

#[tokio::test]
async fn other_partitions_evicting_servers_and_odd_options_are_refused() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let store = RedisStore::open(&server.url(), options()).unwrap();
    store.check().await.unwrap();
    let eight = RedisOptions {
        partitions: 8,
        ..options()
    };
    let other = RedisStore::open(&server.url(), eight).unwrap();
    let refused = other.claim(slot(1), OWNER).await.unwrap_err();
    assert_eq!(refused.disposition(), Disposition::Halt);
    let text = format!("{refused}: {}", std::error::Error::source(&refused).unwrap());
    assert!(text.contains("made for 4 partitions, not for 8"), "{text}");
    let unread = read(&other, 1).await;
    assert!(
        matches!(&unread, Read::Unknown(Unknown::Failed(why)) if why.contains("4 partitions")),
        "{unread:?}"
    );

    let mut connection = client(&server).await;
    for (setting, value) in [("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")] {
        cmd("CONFIG")
            .arg(&["SET", setting, value])
            .query_async::<()>(&mut connection)
            .await
            .unwrap();
    }
    let evicted = RedisStore::open(&server.url(), options()).unwrap();
    let refused = evicted.check().await.unwrap_err();
    let text = format!("{refused}: {}", std::error::Error::source(&refused).unwrap());
    assert!(
        text.contains("allkeys-lru") && text.contains("noeviction"),
        "{text}"
    );

    for odd in [
        RedisOptions {
            partitions: 6,
            ..options()
        },
        RedisOptions {
            prefix: "{shop}".into(),
            ..options()
        },
    ] {
        assert!(RedisStore::open(&server.url(), odd).is_err());
    }
    assert!(RedisStore::open("postgres://localhost", options()).is_err());
    let small = RedisOptions {
        flush_writes_max: 1,
        prefix: "small:".into(),
        ..options()
    };
    let bounded = RedisStore::open(&server.url(), small).unwrap();
    let refused = flush(&bounded, vec![put(1, "a"), put(2, "b")], 1)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("at most 1 units"), "{refused}");
}

#[tokio::test]
async fn a_reset_leaves_no_blob_behind_and_a_lost_marker_brings_none_back() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let store = RedisStore::open(&server.url(), options()).unwrap();
    let mut connection = client(&server).await;
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, (0..50).map(|n| put(n, "old")).collect(), 9)
        .await
        .unwrap();
    store.claim(slot(2), OWNER).await.unwrap();
    let elsewhere = Write {
        unit: unit(1, 2).key,
        blob: Some("kept".into()),
    };
    store
        .flush(slot(2), OWNER, vec![elsewhere], 1, Timestamp(100))
        .await
        .unwrap();
    store.reset(slot(1), OWNER).await.unwrap();
    let keys: Vec<String> = connection.keys("*").await.unwrap();
    assert_eq!(
        keys.len(),
        4,
        "the layout, two markers and the other slot's blob: {keys:?}"
    );

    flush(&store, vec![put(1, "new")], 1).await.unwrap();
    let marker = keys.iter().find(|key| key.starts_with("{f01}")).unwrap();
    connection.del::<_, ()>(marker).await.unwrap();
    assert_eq!(store.claim(slot(1), Owner(9)).await.unwrap(), None);
    store
        .flush(slot(1), Owner(9), vec![], 1, Timestamp(100))
        .await
        .unwrap();
    assert_eq!(
        read(&store, 1).await,
        Read::Absent,
        "a blob from before the marker was lost is void"
    );
}

#[tokio::test]
async fn blobs_live_as_long_as_they_are_told_and_markers_stay() {
    let (_folder, server) = server(Keeping::Snapshots).await;
    let options = RedisOptions {
        blob_lifetime: Some(Duration::from_secs(3_600)),
        ..options()
    };
    let store = RedisStore::open(&server.url(), options).unwrap();
    store.claim(slot(1), OWNER).await.unwrap();
    flush(&store, vec![put(1, "a")], 1).await.unwrap();
    let mut connection = client(&server).await;
    let keys: Vec<String> = connection.keys("{f01}*").await.unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let left: i64 = connection.ttl(&key).await.unwrap();
        match key.matches(':').count() {
            1 => assert_eq!(left, -1, "{key} is a marker"),
            _ => assert!((3_000..=3_600).contains(&left), "{key} lives for {left} s"),
        }
    }
}
