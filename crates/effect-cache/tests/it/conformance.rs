//! The port's suite on every backend, and what a Redis can do to one: lie, stand still, go away.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ceteris_effect_cache::conformance::{key, run};
use ceteris_effect_cache::{
    EffectCache, EffectKey, Lookup, MemoryCache, MemoryOptions, NoCache, RedisCache, RedisCacheOptions,
};
use ceteris_redis_link::BreakerOptions;
use ceteris_redis_link::redis::{AsyncCommands, Client};
use ceteris_testkit::redis::Redis;
use ceteris_testkit::wait::wait_for;

const PATIENCE: Duration = Duration::from_secs(60);

/// Deadlines that a busy machine keeps.
fn options() -> RedisCacheOptions {
    RedisCacheOptions {
        deadline: Duration::from_secs(10),
        ..RedisCacheOptions::default()
    }
}

fn name(key: &EffectKey) -> Vec<u8> {
    [b"effect:".as_slice(), &key.0].concat()
}

fn hit(text: &'static str) -> Lookup {
    Lookup::Hit(Bytes::from_static(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms() {
    run(async || Arc::new(MemoryCache::new(MemoryOptions::default())) as Arc<dyn EffectCache>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let server = Redis::start(folder.path()).await.unwrap();
    let count = AtomicU32::new(0);
    run(async || {
        let options = RedisCacheOptions {
            prefix: format!("cache-{}:", count.fetch_add(1, Ordering::Relaxed)),
            ..options()
        };
        Arc::new(RedisCache::open(&server.url(), options).unwrap()) as Arc<dyn EffectCache>
    })
    .await;
}

#[tokio::test]
async fn no_cache_keeps_nothing_and_says_so() {
    let cache = NoCache;
    assert!(!cache.keeps());
    cache
        .put(&[(key(1), Bytes::from_static(b"value"))])
        .await
        .unwrap();
    assert_eq!(cache.get(&[key(1), key(2)]).await, [Lookup::Miss, Lookup::Miss]);
}

#[tokio::test]
async fn values_of_other_keys_and_damaged_ones_are_wrong_and_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = Redis::start(folder.path()).await.unwrap();
    let cache = RedisCache::open(&server.url(), options()).unwrap();
    let entries = [1, 2, 3, 4].map(|number| (key(number), Bytes::from_static(b"value")));
    cache.put(&entries).await.unwrap();
    let client = Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    // Another unit's value under this key, a flipped bit, a value from nowhere.
    let value: Vec<u8> = connection.get(name(&key(2))).await.unwrap();
    let mut damaged = value.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (number, stored) in [(1, value), (3, damaged), (4, b"0.25".to_vec())] {
        connection
            .set::<_, _, ()>(name(&key(number)), stored)
            .await
            .unwrap();
    }
    let found = cache.get(&[1, 2, 3, 4].map(key)).await;
    assert_eq!(found, [Lookup::Wrong, hit("value"), Lookup::Wrong, Lookup::Wrong]);
}

#[tokio::test]
async fn values_expire_each_at_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = Redis::start(folder.path()).await.unwrap();
    let cache = RedisCache::open(
        &server.url(),
        RedisCacheOptions {
            lifetime: Duration::from_secs(1_000),
            ..options()
        },
    )
    .unwrap();
    let keys: Vec<EffectKey> = (0..50u8).map(|n| EffectKey([n.wrapping_mul(37); 32])).collect();
    let entries: Vec<(EffectKey, Bytes)> = keys.iter().map(|key| (*key, Bytes::from_static(b"v"))).collect();
    cache.put(&entries).await.unwrap();
    let client = Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut left = Vec::new();
    for key in &keys {
        left.push(connection.ttl::<_, i64>(name(key)).await.unwrap());
    }
    assert!(left.iter().all(|left| (700..=1_000).contains(left)), "{left:?}");
    let spread = left.iter().max().unwrap() - left.iter().min().unwrap();
    assert!(spread > 100, "they expire within {spread} s of one another");
}

#[tokio::test]
async fn a_redis_that_stands_still_fails_lookups_until_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Redis::start(folder.path()).await.unwrap();
    let options = RedisCacheOptions {
        deadline: Duration::from_millis(100),
        breaker: BreakerOptions {
            failures_max: 3,
            pause: Duration::from_millis(200),
        },
        ..RedisCacheOptions::default()
    };
    let cache = RedisCache::open(&server.url(), options).unwrap();
    let answers = async || {
        wait_for("the cache to answer", PATIENCE, || async {
            let _ = cache.put(&[(key(1), Bytes::from_static(b"value"))]).await;
            Ok((cache.get(&[key(1)]).await == [hit("value")]).then_some(()))
        })
        .await
        .unwrap();
    };
    answers().await;
    server.pause();
    wait_for("the breaker to open", PATIENCE, || async {
        // Each lookup ends although the server answers none.
        assert_eq!(
            cache.get(&[key(1), key(2)]).await,
            [Lookup::Failed, Lookup::Failed]
        );
        Ok(cache.breaker_is_open().then_some(()))
    })
    .await
    .unwrap();
    server.resume();
    answers().await;
    assert!(!cache.breaker_is_open(), "a probe that succeeds closes it");
    server.kill_9().unwrap();
    assert_eq!(cache.get(&[key(1)]).await, [Lookup::Failed]);
    assert!(cache.put(&[(key(1), Bytes::new())]).await.is_err());
    server.restart_empty().await.unwrap();
    answers().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    assert!(RedisCache::open("nowhere", options()).is_err());
}
