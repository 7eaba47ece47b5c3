//! The effect cache before the model: the same bits as without it, whatever it says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use ceteris_contract::record::CandidateEffects;
use ceteris_decide::{assemble, http};
use ceteris_effect_cache::{
    CacheFailed, EffectCache, EffectKey, Lookup, MemoryCache, MemoryOptions, RedisCache, RedisCacheOptions,
};
use ceteris_testkit::redis::Redis;
use ceteris_testkit::wait::wait_for;

use crate::support::{Running, World, record_of, request};

async fn start(world: &World, effects: Arc<dyn EffectCache>) -> Running {
    let mut deps = world.deps();
    deps.effects = effects;
    deps.metrics = prometheus::Registry::new();
    let metrics = deps.metrics.clone();
    let (app, loader, forwarder) = assemble(world.config(), deps, world.shutdown.clone())
        .await
        .unwrap();
    Running {
        router: http::router(Arc::clone(&app)),
        app,
        loader,
        forwarder: Some(forwarder),
        metrics,
    }
}

fn lookups(service: &Running, result: &str) -> u64 {
    let metrics = &service.app.metrics;
    metrics.effect_cache_lookups.with_label_values(&[result]).get()
}

/// Waits until as many requests' effects have been put.
async fn kept(service: &Running, count: u64) {
    let puts = service.app.metrics.effect_cache_puts.with_label_values(&["kept"]);
    wait_for("effects to be put", Duration::from_secs(60), || async {
        Ok((puts.get() >= count).then_some(()))
    })
    .await
    .unwrap();
}

/// Every bit of the effects, as text.
fn bits(effects: &[CandidateEffects]) -> Vec<String> {
    let mut all = Vec::new();
    for effect in effects {
        for (outcome, point) in &effect.outcomes {
            let (tau, error) = (point.effect.to_bits(), point.std_error.to_bits());
            all.push(format!(
                "{} {outcome} {tau:x} {error:x} {}",
                effect.treatment_id, effect.in_support
            ));
        }
    }
    all
}

#[tokio::test]
async fn cached_effects_are_those_computed_bit_for_bit() {
    let world = World::new().await;
    world.promote(0.0).await;
    let mut service = start(&world, Arc::new(MemoryCache::new(MemoryOptions::default()))).await;
    // An irrational place: every effect has all its bits. Another user with the same features shares the values.
    service.decide(&request("one", 0.1 + 0.2)).await;
    kept(&service, 1).await;
    assert_eq!((lookups(&service, "hit"), lookups(&service, "miss")), (0, 3));
    service.decide(&request("two", 0.1 + 0.2)).await;
    assert_eq!((lookups(&service, "hit"), lookups(&service, "miss")), (3, 3));
    service.decide(&request("three", 0.3)).await;
    assert_eq!(lookups(&service, "hit"), 3, "0.1 + 0.2 is another place than 0.3");
    kept(&service, 2).await;
    service.drain().await;
    let records = world.decisions(3).await;
    let of = |user: &str| {
        let found = records
            .iter()
            .find(|record| record.key.as_deref() == Some(user.as_bytes()));
        record_of(found.unwrap())
    };
    let (computed, cached) = (of("one").inputs.effects, of("two").inputs.effects);
    assert_eq!(bits(&computed).len(), 6);
    assert_eq!(bits(&computed), bits(&cached));
    assert_eq!(computed, cached);
}

#[tokio::test]
async fn a_promotion_a_policy_and_another_dose_are_other_keys() {
    let world = World::new().await;
    world.promote(0.0).await;
    let mut service = start(&world, Arc::new(MemoryCache::new(MemoryOptions::default()))).await;
    let before = service.decide(&request("u", 0.5)).await;
    kept(&service, 1).await;
    world.promote(0.1).await;
    service.loader.refresh().await;
    let after = service.decide(&request("u", 0.5)).await;
    assert_eq!(
        lookups(&service, "hit"),
        0,
        "no effect of the former model is served"
    );
    let effect = |reply: &ceteris_contract::decide::DecideReply| reply.effects[0].estimated_effect.unwrap();
    assert!((effect(&after) - effect(&before) - 0.1).abs() < 1e-12);
    kept(&service, 2).await;
    let mut other = request("u", 0.5);
    other["available_treatments"][0]["note"] = "another parameter".into();
    service.decide(&other).await;
    assert_eq!(lookups(&service, "hit"), 2, "the two that are as they were");
}

/// Answers with what it was told, whatever was asked.
#[derive(Debug, Default)]
struct Lying(Mutex<Vec<Lookup>>);

#[async_trait]
impl EffectCache for Lying {
    async fn get(&self, keys: &[EffectKey]) -> Vec<Lookup> {
        let answers = self.0.lock().unwrap();
        (0..keys.len())
            .map(|at| answers[at % answers.len()].clone())
            .collect()
    }

    async fn put(&self, _: &[(EffectKey, Bytes)]) -> Result<(), CacheFailed> {
        Err(CacheFailed("told to".to_owned()))
    }
}

#[tokio::test]
async fn a_cache_that_lies_or_fails_changes_no_decision() {
    let world = World::new().await;
    world.promote(0.0).await;
    let lying = Arc::new(Lying::default());
    *lying.0.lock().unwrap() = vec![
        Lookup::Wrong,
        Lookup::Hit(Bytes::from_static(b"\x01\x01\x01 not effects")),
        Lookup::Failed,
    ];
    let service = start(&world, lying).await;
    let reply = service.decide(&request("u", 0.5)).await;
    assert_eq!((lookups(&service, "wrong"), lookups(&service, "failed")), (2, 1));
    assert!(!reply.degraded);
    let effects: Vec<f64> = reply.effects.iter().filter_map(|e| e.estimated_effect).collect();
    // z = 0, gold, by hand.
    assert_eq!(effects, [0.08, 0.25, 0.01]);
}

#[tokio::test]
async fn without_its_redis_effects_are_computed_and_with_it_they_are_found() {
    let world = World::new().await;
    world.promote(0.0).await;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Redis::start(folder.path()).await.unwrap();
    let options = RedisCacheOptions {
        deadline: Duration::from_millis(500),
        ..RedisCacheOptions::default()
    };
    let cache = RedisCache::open(&server.url(), options).unwrap();
    let service = start(&world, Arc::new(cache)).await;
    let computed = service.decide(&request("u", 0.4)).await;
    let found = async || {
        wait_for("effects to be found", Duration::from_secs(60), || async {
            let before = lookups(&service, "hit");
            let reply = service.decide(&request("u", 0.4)).await;
            assert_eq!(reply.effects, computed.effects);
            Ok((lookups(&service, "hit") == before + 3).then_some(()))
        })
        .await
        .unwrap();
    };
    found().await;
    server.kill_9().unwrap();
    let breaker = &service.app.metrics.effect_cache_breaker;
    wait_for("the breaker to open", Duration::from_secs(60), || async {
        let reply = service.decide(&request("u", 0.4)).await;
        assert_eq!(reply.effects, computed.effects);
        assert!(!reply.degraded);
        Ok((breaker.get() == 1).then_some(()))
    })
    .await
    .unwrap();
    assert!(lookups(&service, "failed") > 0);
    server.restart_empty().await.unwrap();
    found().await;
    assert_eq!(breaker.get(), 0);
}
