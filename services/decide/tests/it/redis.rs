//! Features in a real Redis: found, absent, and what a decision does when it is slow, gone or back without its data.

use std::sync::Arc;
use std::time::Duration;

use ceteris_contract::decide::DecideReply;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::record::Origin;
use ceteris_decide::app::App;
use ceteris_decide::decide::decide;
use ceteris_decide::{assemble, http};
use ceteris_feature_store::{FeatureStore, Owner, RedisOptions, RedisStore, Slot, Write};
use ceteris_features::UnitState;
use ceteris_testkit::proxy::{Proxy, Weather};
use ceteris_testkit::redis::{Redis, url};
use ceteris_testkit::wait::wait_for;
use serde_json::{Value as Json, json};

use crate::support::{PARTITIONS, Running, World, now, record_of};

const OWNER: Owner = Owner(1);

/// The price sensitivity, which the model reads, comes from the store.
fn request(user: &str) -> Json {
    json!({
        "user_id": user,
        "context": {"user_tier": "gold"},
        "available_treatments": [
            {"treatment_id": "coupon_5pct", "type": "coupon", "discount_percent": 5},
            {"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10},
        ],
    })
}

async fn start(world: &World, store: RedisStore) -> Running {
    let mut deps = world.deps();
    deps.features = Arc::new(store);
    deps.metrics = prometheus::Registry::new();
    let metrics = deps.metrics.clone();
    let mut config = world.config();
    config.features_timeout = Duration::from_secs(1);
    let (app, loader, forwarder) = assemble(config, deps, world.shutdown.clone()).await.unwrap();
    Running {
        router: http::router(Arc::clone(&app)),
        app,
        loader,
        forwarder: Some(forwarder),
        metrics,
    }
}

/// Writes a state without events for the user, and the marker of the user's slot.
async fn write(app: &App, store: &RedisStore, user: &str) {
    let entries = app.catalog.entries();
    let views = entries["ecommerce"].served.views().unwrap();
    let unit = IdentityKey::new([7; 32]).unit(user);
    for partition in 0..PARTITIONS {
        let slot = Slot {
            schema: views.schema(),
            partition,
        };
        store.claim(slot, OWNER).await.unwrap();
        let blob = Some(UnitState::new(views).encode(views).into());
        let mine = (unit.bucket(PARTITIONS) == partition).then_some(Write { unit: unit.key, blob });
        store
            .flush(slot, OWNER, mine.into_iter().collect(), 1, now())
            .await
            .unwrap();
    }
}

fn options() -> RedisOptions {
    RedisOptions {
        partitions: PARTITIONS,
        stale_after: Span::minutes(5),
        read_deadline: Duration::from_millis(500),
        ..RedisOptions::default()
    }
}

/// Decides until the reply is as wanted.
async fn until(service: &Running, what: &str, wanted: impl Fn(&DecideReply) -> bool) -> DecideReply {
    wait_for(what, Duration::from_secs(60), || async {
        let reply = service.decide(&request("u")).await;
        Ok(wanted(&reply).then_some(reply))
    })
    .await
    .unwrap()
}

fn unavailable(reply: &DecideReply) -> bool {
    reply.degraded && reply.degraded_reasons == ["features_unavailable"]
}

#[tokio::test]
async fn a_redis_that_is_slow_gone_or_emptied_degrades_decisions_and_their_propensity_stays_true() {
    let world = World::new().await;
    world.promote(0.0).await;
    let folder = tempfile::tempdir().unwrap();
    let mut server = Redis::start(folder.path()).await.unwrap();
    let proxy = Proxy::start(server.address()).await.unwrap();
    let mut service = start(
        &world,
        RedisStore::open(&url(proxy.address()), options()).unwrap(),
    )
    .await;
    let owner = RedisStore::open(&server.url(), options()).unwrap();

    let mut answered = 0;
    assert!(
        unavailable(&service.decide(&request("u")).await),
        "nothing was flushed yet"
    );
    write(&service.app, &owner, "u").await;
    until(&service, "features to be found", |reply| !unavailable(reply)).await;

    for weather in [Weather::Still, Weather::Down] {
        proxy.set(weather);
        let reply = until(&service, "decisions without features", unavailable).await;
        assert!(reply.propensity > 0.0 && reply.model_version.is_some());
        proxy.set(Weather::Fair);
        until(&service, "features to be back", |reply| !unavailable(reply)).await;
    }
    server.restart_empty().await.unwrap();
    let reply = until(&service, "a marker that is lost", unavailable).await;
    assert!(reply.degraded, "never a new user's defaults");

    let reads = &service.app.metrics.feature_reads;
    for result in ["found", "failed", "no_marker"] {
        assert!(reads.with_label_values(&[result]).get() > 0, "{result}");
    }
    service.drain().await;
    for reason in [
        "effect",
        "fallback",
        "exploration",
        "holdout",
        "no_arm_beats_its_cost",
    ] {
        let metrics = &service.app.metrics;
        answered += metrics.decisions.with_label_values(&["ecommerce", reason]).get();
    }
    let records = world.decisions(usize::try_from(answered).unwrap()).await;
    let mut degraded = 0;
    for record in &records {
        let record = record_of(record);
        assert_eq!(decide(&record.inputs), record.decision, "it replays from the log");
        let arm = record.decision.recommended_treatment.as_deref().unwrap_or("none");
        assert_eq!(record.decision.propensity, record.decision.distribution[arm]);
        let total: f64 = record.decision.distribution.values().sum();
        assert!((total - 1.0).abs() < 1e-9);
        degraded += usize::from(record.decision.degraded);
        let features = &record.inputs.features;
        let read = features.iter().find(|f| f.name == "price_sensitivity").unwrap();
        assert_eq!(
            read.origin == Origin::Unknown,
            record.decision.degraded,
            "{read:?}"
        );
    }
    assert!(degraded > 0 && degraded < records.len());
}
