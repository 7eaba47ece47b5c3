//! What is served follows the registry, and stays good when the registry does not.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::record::Origin;
use ceteris_decide::served::Served;
use ceteris_feature_store::{FeatureStore, Owner, Slot, Write};
use ceteris_features::UnitState;
use serde_json::{Value as Json, json};

use crate::support::{
    PARTITIONS, World, ecommerce_yaml, hillstrom_yaml, model, now, problem, record_of, renamed, request,
};

#[tokio::test]
async fn a_promotion_is_served_without_a_restart() {
    let world = World::new().await;
    let mut service = world.start().await;
    assert_eq!(service.decide(&request("u", 0.75)).await.model_version, None);
    for shift in [0.0, 0.01, 0.0] {
        let version = world.promote(shift).await;
        service.loader.refresh().await;
        let reply = service.decide(&request("u", 0.75)).await;
        assert_eq!(reply.model_version, Some(version));
        let effect = reply.effects[1].estimated_effect.unwrap();
        assert!((effect - (0.35 + shift)).abs() < 1e-12);
    }
}

/// Flips one byte in every file under `folder` whose name ends so.
fn corrupt(folder: &Path, suffix: &str) -> usize {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                let mut bytes = std::fs::read(&path).unwrap();
                let last = bytes.len() - 3;
                bytes[last] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                count += 1;
            }
        }
    }
    count
}

#[tokio::test]
async fn a_corrupt_artifact_is_refused_and_the_last_good_one_serves_on() {
    let world = World::new().await;
    let good = world.promote(0.0).await;
    let mut service = world.start().await;
    let (manifest, arrays) = model(&problem(&ecommerce_yaml()), 0.02);
    world.registry.publish(&manifest, &arrays).await.unwrap();
    let folder = world
        .folder
        .path()
        .join("registry/versions")
        .join(&manifest.version);
    world.point(&manifest.version).await;
    assert!(corrupt(&folder, ".safetensors") > 0);
    service.loader.refresh().await;
    let reply = service.decide(&request("u", 0.75)).await;
    assert_eq!(reply.model_version, Some(good.clone()));
    let (_, health) = service.get("/health").await;
    assert_eq!(health["status"], "degraded");
    let fault = health["problems"]["ecommerce"]["fault"].as_str().unwrap();
    assert!(fault.contains(&manifest.version), "{fault}");
    // Mended by a promotion of a sound one.
    let better = world.promote(0.03).await;
    service.loader.refresh().await;
    assert_eq!(
        service.decide(&request("u", 0.75)).await.model_version,
        Some(better)
    );
    assert_eq!(service.get("/health").await.1["status"], "ok");
}

#[tokio::test]
async fn a_model_of_another_form_of_the_problem_is_refused() {
    let world = World::new().await;
    let good = world.promote(0.0).await;
    let mut service = world.start().await;
    let (mut manifest, arrays) = model(&problem(&ecommerce_yaml()), 0.02);
    manifest.what.problem_model_digest = "f".repeat(64);
    let manifest = renamed(manifest, &arrays);
    world.registry.publish(&manifest, &arrays).await.unwrap();
    world.point(&manifest.version).await;
    service.loader.refresh().await;
    assert_eq!(
        service.decide(&request("u", 0.75)).await.model_version,
        Some(good)
    );
    let mut body = request("u", 0.75);
    body["version"] = json!(manifest.version);
    let (status, refusal) = service.post("/v1/decide", &body).await;
    assert_eq!(
        (status.as_u16(), refusal["code"].as_str()),
        (422, Some("unknown_version"))
    );
}

#[tokio::test]
async fn a_changed_cost_counts_from_the_next_decision_on() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let mut service = world.start().await;
    let before = service.decide(&request("u", 0.75)).await;
    let dearer = ecommerce_yaml().replace("cost: 10 }", "cost: 30 }");
    assert_ne!(dearer, ecommerce_yaml());
    world
        .registry
        .put_problem("ecommerce", &dearer, now())
        .await
        .unwrap();
    service.loader.refresh().await;
    let after = service.decide(&request("u", 0.75)).await;
    assert_eq!(after.model_version, Some(version), "no retraining for a price");
    assert_eq!(after.effects[1].cost, Some(30.0));
    let net = |reply: &ceteris_contract::decide::DecideReply| reply.effects[1].net_value.unwrap();
    assert!((net(&before) - net(&after) - 20.0).abs() < 1e-9);
    assert_eq!(
        before.effects[1].estimated_effect,
        after.effects[1].estimated_effect
    );
}

#[tokio::test]
async fn a_broken_or_reshaped_problem_file_leaves_the_last_good_pair() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let mut service = world.start().await;
    for yaml in [
        "problem: ecommerce\nnonsense: [".to_owned(),
        ecommerce_yaml().replace("washout: 7d", "washout: 8d"),
    ] {
        world
            .registry
            .put_problem("ecommerce", &yaml, now())
            .await
            .unwrap();
        service.loader.refresh().await;
        assert_eq!(
            service.decide(&request("u", 0.75)).await.model_version,
            Some(version.clone())
        );
        let (_, health) = service.get("/health").await;
        assert!(health["problems"]["ecommerce"]["fault"].is_string(), "{health}");
        assert_eq!(service.get("/readyz").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn readiness_waits_for_the_problems_named() {
    let world = World::new().await;
    let mut config = world.config();
    config.problems = vec!["ecommerce".into(), "hillstrom".into()];
    let mut service = world.start_with(config).await;
    assert_eq!(service.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(service.get("/livez").await.0, StatusCode::OK);
    world
        .registry
        .put_problem("hillstrom", &hillstrom_yaml(), now())
        .await
        .unwrap();
    service.loader.refresh().await;
    assert_eq!(service.get("/readyz").await.0, StatusCode::OK);
    // With two problems a request names its own, or pins a version that does.
    let (status, body) = service.post("/v1/decide", &request("u", 0.5)).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (422, Some("ambiguous_problem"))
    );
    let version = world.promote(0.0).await;
    let mut pinned = request("u", 0.5);
    pinned["version"] = json!(version);
    assert_eq!(service.decide(&pinned).await.model_version, Some(version));
    let mail = json!({
        "user_id": "u",
        "problem": "hillstrom",
        "context": {"womens": 1, "zip_code": "Rural", "channel": "Web"},
        "available_treatments": [{"treatment_id": "Womens E-Mail", "type": "email"}],
    });
    let reply = service.decide(&mail).await;
    assert_eq!(reply.degraded_reasons, ["no_model"]);
    assert!(reply.distribution["Womens E-Mail"] > 0.8);
}

/// The features logged for one decision of a user without context, by name.
async fn logged_features(world: &World, users: &[&str]) -> Vec<Vec<(String, Json, Origin)>> {
    let mut service = world.start().await;
    for user in users {
        let mut body = request(user, 0.5);
        body["context"] = json!({});
        service.decide(&body).await;
    }
    service.drain().await;
    let mut records: Vec<_> = world.decisions(users.len()).await.iter().map(record_of).collect();
    records.sort_by_key(|r| {
        users
            .iter()
            .position(|u| IdentityKey::new([7; 32]).unit(u) == r.unit)
    });
    let features = |r: ceteris_contract::record::DecisionRecord| {
        r.inputs
            .features
            .into_iter()
            .map(|f| (f.name, serde_json::to_value(f.value).unwrap(), f.origin))
            .collect()
    };
    records.into_iter().map(features).collect()
}

#[tokio::test]
async fn stored_features_are_found_absent_or_unknown() {
    let world = World::new().await;
    let served = Served::new(problem(&ecommerce_yaml())).unwrap();
    let views = served.views().unwrap();
    let unit = IdentityKey::new([7; 32]).unit("known");
    let payload = json!({
        "event_id": "e1", "user_id": "known", "event_type": "purchase",
        "timestamp": "2026-02-20T10:00:00Z", "properties": {"amount": 40.5},
    });
    let event = ceteris_contract::event::UserEvent::parse(&serde_json::to_vec(&payload).unwrap()).unwrap();
    let event = event.into_stored(&IdentityKey::new([7; 32]), now());
    let mut state = UnitState::new(views);
    assert!(state.apply(views, &event).changed());
    let owner = Owner(1);
    // Every partition has a marker but that of one unit.
    let bucket = |user: &str| IdentityKey::new([7; 32]).unit(user).bucket(PARTITIONS);
    let elsewhere = |user: &String| bucket(user) != bucket("known");
    let unknown = (0..).map(|i| format!("unknown-{i}")).find(elsewhere).unwrap();
    let lost = bucket(&unknown);
    let new = (0..)
        .map(|i| format!("new-{i}"))
        .find(|user| bucket(user) != lost)
        .unwrap();
    let partitions = (0..PARTITIONS).filter(|p| *p != lost);
    for partition in partitions {
        let slot = Slot {
            schema: views.schema(),
            partition,
        };
        let mine = unit.bucket(PARTITIONS) == partition;
        let writes = mine.then(|| Write {
            unit: unit.key,
            blob: Some(state.encode(views).into()),
        });
        world.features.claim(slot, owner).await.unwrap();
        world
            .features
            .flush(slot, owner, writes.into_iter().collect(), 1, now())
            .await
            .unwrap();
    }
    let logged = logged_features(&world, &["known", &new, &unknown]).await;
    let of = |user: usize, name: &str| logged[user].iter().find(|(n, ..)| n == name).cloned().unwrap();
    assert_eq!(
        of(0, "historical_spend"),
        ("historical_spend".into(), json!(40.5), Origin::Stored)
    );
    assert_eq!(
        of(0, "price_sensitivity"),
        ("price_sensitivity".into(), json!(0.5), Origin::Default)
    );
    assert_eq!(
        of(1, "historical_spend"),
        ("historical_spend".into(), json!(0.0), Origin::Default)
    );
    assert_eq!(
        of(2, "historical_spend"),
        ("historical_spend".into(), Json::Null, Origin::Unknown)
    );
    assert_eq!(
        of(2, "user_tier"),
        ("user_tier".into(), json!("unknown"), Origin::Unknown)
    );
}
