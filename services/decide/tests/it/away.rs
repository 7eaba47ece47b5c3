//! What stands behind the service goes away: the registry, the topic. Decisions go on, and what operators see says so.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{StatusCode, header};
use ceteris_chassis::Shutdown;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_decide::{assemble, http};
use ceteris_stream::EventLog;
use ceteris_testkit::wait::wait_for;

use crate::support::topic::Topic;
use crate::support::{World, json_request, read, request};

const PATIENCE: Duration = Duration::from_secs(60);

/// Puts a file where the registry's folder was, so that every access fails.
fn take_away(registry: &Path) {
    std::fs::rename(registry, registry.with_extension("away")).unwrap();
    std::fs::write(registry, "not a folder").unwrap();
}

fn give_back(registry: &Path) {
    std::fs::remove_file(registry).unwrap();
    std::fs::rename(registry.with_extension("away"), registry).unwrap();
}

#[tokio::test]
async fn while_the_registry_is_away_the_last_good_model_serves() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let mut service = world.start().await;
    let folder = world.folder.path().join("registry");
    take_away(&folder);
    for _ in 0..3 {
        service.loader.refresh().await;
        let reply = service.decide(&request("u", 0.5)).await;
        assert_eq!(reply.model_version.as_ref(), Some(&version));
        assert!(!reply.degraded);
        assert_eq!(service.get("/readyz").await.0, StatusCode::OK);
    }
    give_back(&folder);
    let newer = world.promote(0.01).await;
    service.loader.refresh().await;
    assert_eq!(
        service.decide(&request("u", 0.5)).await.model_version,
        Some(newer)
    );
}

#[tokio::test]
async fn started_without_its_registry_it_is_alive_and_not_ready_until_it_comes() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let folder = world.folder.path().join("registry");
    take_away(&folder);
    let mut service = world.start().await;
    assert_eq!(service.get("/livez").await.0, StatusCode::OK);
    assert_eq!(service.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, body) = service.post("/v1/decide", &request("u", 0.5)).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (422, Some("unknown_problem")),
        "{body}"
    );
    give_back(&folder);
    service.loader.refresh().await;
    assert_eq!(service.get("/readyz").await.0, StatusCode::OK);
    assert_eq!(
        service.decide(&request("u", 0.5)).await.model_version,
        Some(version)
    );
}

#[tokio::test]
async fn while_the_topic_is_away_the_journal_fills_tells_its_hours_and_refuses_when_full() {
    let world = World::new().await;
    world.log.create_topic(CAUSAL_DECISIONS, 4).await.unwrap();
    let topic = Topic::down(&world.log);
    let mut deps = world.deps();
    deps.log = Arc::clone(&topic) as Arc<dyn EventLog>;
    let mut config = world.config();
    config.journal_bytes_max = 512 << 10;
    let (app, _loader, forwarder) = assemble(config, deps, world.shutdown.clone()).await.unwrap();
    let drain = Shutdown::new();
    let forwarding = tokio::spawn(forwarder.run(drain.clone()));
    let router = http::router(Arc::clone(&app));
    let send = async || {
        let request = json_request("/v1/decide", &request("u", 0.5));
        tower::ServiceExt::oneshot(router.clone(), request).await.unwrap()
    };
    let hours = &app.metrics.journal_hours_left;
    let answered = Cell::new(0usize);
    wait_for("the hours left to be known", PATIENCE, || async {
        assert_eq!(send().await.status(), StatusCode::OK);
        answered.set(answered.get() + 1);
        Ok((hours.get().is_finite() && hours.get() > 0.0).then_some(()))
    })
    .await
    .unwrap();
    let refused = loop {
        let response = send().await;
        if response.status() != StatusCode::OK {
            break response;
        }
        answered.set(answered.get() + 1);
        assert!(answered.get() < 10_000, "the bound does not hold");
    };
    let answered = answered.get();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(read(refused).await.1["code"], "journal_full");
    wait_for("no hours to be left", PATIENCE, || async {
        Ok((hours.get() == 0.0).then_some(()))
    })
    .await
    .unwrap();
    let waiting = app.metrics.journal_waiting.get();
    assert_eq!(waiting, i64::try_from(answered).unwrap(), "all of them wait");

    topic.down.store(false, Ordering::Release);
    assert_eq!(world.decisions(answered).await.len(), answered);
    wait_for("room to be given back", PATIENCE, || async {
        let again = send().await.status() == StatusCode::OK;
        Ok((again && hours.get() > 0.0).then_some(()))
    })
    .await
    .unwrap();
    drain.cancel();
    forwarding.await.unwrap().unwrap();
}
