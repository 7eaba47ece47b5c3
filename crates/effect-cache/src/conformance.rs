//! What every cache that keeps values does, as checks that panic with what was violated. For tests.

use std::sync::Arc;

use bytes::Bytes;

use crate::key::EffectKey;
use crate::port::{EffectCache, Lookup};

/// Runs every check, each on an empty cache with room for a thousand values of 4 KiB that `make` gives.
///
/// # Panics
/// With what was violated.
pub async fn run<M, F>(make: M)
where
    M: Fn() -> F,
    F: Future<Output = Arc<dyn EffectCache>>,
{
    values_are_read_back_in_the_order_asked(&*make().await).await;
    the_last_value_counts(&*make().await).await;
    values_over_the_bound_are_passed_over(&*make().await).await;
    keys_never_mix(make().await).await;
}

/// The key of a number.
pub fn key(number: u32) -> EffectKey {
    let mut key = [7; 32];
    key[28..].copy_from_slice(&number.to_le_bytes());
    EffectKey(key)
}

fn hit(text: &str) -> Lookup {
    Lookup::Hit(Bytes::copy_from_slice(text.as_bytes()))
}

async fn put(cache: &dyn EffectCache, entries: &[(u32, &str)]) {
    let entries: Vec<(EffectKey, Bytes)> = entries
        .iter()
        .map(|(number, value)| (key(*number), Bytes::copy_from_slice(value.as_bytes())))
        .collect();
    cache.put(&entries).await.expect("values are taken");
}

async fn values_are_read_back_in_the_order_asked(cache: &dyn EffectCache) {
    assert!(cache.keeps() && !cache.breaker_is_open());
    assert_eq!(
        cache.get(&[key(1)]).await,
        [Lookup::Miss],
        "an empty cache knows nothing"
    );
    put(cache, &[(1, "one"), (2, "two"), (3, "")]).await;
    let found = cache.get(&[key(3), key(9), key(1), key(2), key(1)]).await;
    assert_eq!(
        found,
        [hit(""), Lookup::Miss, hit("one"), hit("two"), hit("one")],
        "each key its own answer"
    );
    assert_eq!(cache.get(&[]).await, []);
    put(cache, &[]).await;
}

async fn the_last_value_counts(cache: &dyn EffectCache) {
    put(cache, &[(1, "first")]).await;
    put(cache, &[(1, "second"), (2, "a"), (2, "b")]).await;
    assert_eq!(cache.get(&[key(1), key(2)]).await, [hit("second"), hit("b")]);
}

async fn values_over_the_bound_are_passed_over(cache: &dyn EffectCache) {
    let huge = Bytes::from(vec![1; 1 << 20]);
    let entries = [(key(1), huge), (key(2), Bytes::from_static(b"small"))];
    cache.put(&entries).await.expect("it is no failure");
    assert_eq!(cache.get(&[key(1), key(2)]).await, [Lookup::Miss, hit("small")]);
}

/// Many tasks that put and get at once: whatever is found is that key's.
async fn keys_never_mix(cache: Arc<dyn EffectCache>) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let cache = Arc::clone(&cache);
        tasks.spawn(async move {
            for round in 0..50 {
                let numbers = [round, round + task, 50 + round];
                let values = numbers.map(|number| number.to_string());
                let entries: Vec<(u32, &str)> = numbers
                    .iter()
                    .copied()
                    .zip(values.iter().map(String::as_str))
                    .collect();
                put(&*cache, &entries).await;
                let found = cache.get(&numbers.map(key)).await;
                let expected: Vec<Lookup> = values.iter().map(|value| hit(value)).collect();
                assert_eq!(found, expected);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("a task does not panic");
    }
}
