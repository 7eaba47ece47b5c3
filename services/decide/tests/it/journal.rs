//! The journal's promise: what was answered is logged, once, whatever happens to the service or the log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use ceteris_chassis::Shutdown;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::topics::{CAUSAL_DECISIONS, headers};
use ceteris_decide::decide::decide;
use ceteris_decide::journal::pending;
use ceteris_decide::{Server, assemble, http};
use ceteris_stream::EventLog;

use crate::support::topic::Topic;
use crate::support::{World, json_request, now, read, record_of, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_at_once_are_each_journaled_once() {
    let world = World::new().await;
    world.promote(0.0).await;
    let mut config = world.config();
    config.requests_max = 1000;
    let mut service = world.start_with(config).await;
    let tasks: Vec<_> = (0..1000)
        .map(|i| {
            let router = service.router.clone();
            tokio::spawn(async move {
                let response = tower::ServiceExt::oneshot(
                    router,
                    json_request("/v1/decide", &request(&format!("user-{i}"), 0.75)),
                );
                let (status, body) = read(response.await.unwrap()).await;
                assert_eq!(status, StatusCode::OK, "{body}");
                body["decision_id"].as_str().unwrap().to_owned()
            })
        })
        .collect();
    let mut answered = BTreeSet::new();
    for task in tasks {
        assert!(answered.insert(task.await.unwrap()), "two decisions of one id");
    }
    service.drain().await;
    let records = world.decisions(1000).await;
    let logged: BTreeSet<String> = records.iter().map(|r| record_of(r).decision_id).collect();
    assert_eq!((records.len(), logged), (1000, answered));
    assert_eq!(
        world
            .log
            .end_offsets(CAUSAL_DECISIONS)
            .await
            .unwrap()
            .iter()
            .sum::<u64>(),
        1000
    );
}

#[tokio::test]
async fn a_logged_record_holds_all_of_the_decision_and_the_user_only_as_key() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let mut service = world.start().await;
    let reply = service.decide(&request("anna@example.org", 0.75)).await;
    service.drain().await;
    let record = &world.decisions(1).await[0];
    assert_eq!(record.key.as_deref(), Some(b"anna@example.org".as_slice()));
    assert!(!String::from_utf8_lossy(&record.payload).contains("anna"));
    for (name, value) in [
        (headers::SPEC_VERSION, "1.0"),
        (headers::ID, reply.decision_id.as_str()),
        (headers::TIME, crate::support::NOW),
        (headers::SCHEMA, "1"),
    ] {
        assert_eq!(
            record.header(name).map(|v| &v[..]),
            Some(value.as_bytes()),
            "{name}"
        );
    }
    let logged = record_of(record);
    assert_eq!(logged.unit, IdentityKey::new([7; 32]).unit("anna@example.org"));
    assert_eq!(logged.inputs.model.as_ref().unwrap().version, version);
    assert_eq!(decide(&logged.inputs), logged.decision, "it replays from the log");
    assert_eq!(logged.decision.recommended_treatment, reply.recommended_treatment);
    assert_eq!(
        (logged.decision.effects, logged.decision.propensity),
        (reply.effects, reply.propensity)
    );
}

#[tokio::test]
async fn what_was_answered_before_a_crash_is_shipped_after_it() {
    let world = World::new().await;
    let service = world.start().await;
    let mut answered = BTreeSet::new();
    for i in 0..50 {
        answered.insert(service.decide(&request(&format!("u{i}"), 0.5)).await.decision_id);
    }
    // No drain, no goodbye: the service is gone.
    drop(service);
    let mut waiting = BTreeSet::new();
    let folder = world.config().journal_dir;
    pending(&folder, |spooled| {
        waiting.insert(spooled.decision_id.to_owned());
        Ok(())
    })
    .unwrap();
    assert_eq!(waiting, answered);
    let mut service = world.start().await;
    answered.insert(service.decide(&request("after", 0.5)).await.decision_id);
    service.drain().await;
    let logged: Vec<String> = world
        .decisions(51)
        .await
        .iter()
        .map(|r| record_of(r).decision_id)
        .collect();
    assert_eq!(logged.len(), 51);
    assert_eq!(logged.into_iter().collect::<BTreeSet<_>>(), answered);
    drop(service);
    pending(&folder, |spooled| panic!("{} was shipped", spooled.decision_id)).unwrap();
    // A third start ships nothing twice.
    let mut service = world.start().await;
    service.drain().await;
    assert_eq!(
        world
            .log
            .end_offsets(CAUSAL_DECISIONS)
            .await
            .unwrap()
            .iter()
            .sum::<u64>(),
        51
    );
}

#[tokio::test]
async fn a_full_journal_answers_503_and_logs_nothing_it_did_not_answer() {
    let world = World::new().await;
    let mut config = world.config();
    config.journal_bytes_max = 64 << 10;
    let mut service = world.start_with(config).await;
    let mut answered = 0;
    let refused = loop {
        let response = service.send(json_request("/v1/decide", &request("u", 0.5))).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        answered += 1;
        assert!(answered < 1000, "the bound does not hold");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "5");
    assert_eq!(read(refused).await.1["code"], "journal_full");
    assert!(answered > 3);
    service.drain().await;
    assert_eq!(world.decisions(answered).await.len(), answered);
    // Shipped segments give their room back.
    service.decide(&request("u", 0.5)).await;
}

#[tokio::test]
async fn decisions_go_on_while_the_log_is_down_and_follow_when_it_is_back() {
    let world = World::new().await;
    world.log.create_topic(CAUSAL_DECISIONS, 4).await.unwrap();
    let failing = Topic::down(&world.log);
    let mut deps = world.deps();
    deps.log = Arc::clone(&failing) as Arc<dyn EventLog>;
    let (app, _loader, forwarder) = assemble(world.config(), deps, world.shutdown.clone())
        .await
        .unwrap();
    let drain = Shutdown::new();
    let forwarding = tokio::spawn(forwarder.run(drain.clone()));
    let router = http::router(Arc::clone(&app));
    for i in 0..20 {
        let http = json_request("/v1/decide", &request(&format!("u{i}"), 0.5));
        let response = tower::ServiceExt::oneshot(router.clone(), http).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    while failing.refused.load(Ordering::Acquire) == 0 {
        tokio::task::yield_now().await;
    }
    failing.down.store(false, Ordering::Release);
    let found = world.decisions(20).await;
    assert_eq!(
        found
            .iter()
            .map(|r| record_of(r).decision_id)
            .collect::<BTreeSet<_>>()
            .len(),
        20
    );
    drain.cancel();
    forwarding.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_answers_what_is_in_flight_and_drains_the_journal() {
    let world = World::new().await;
    world.promote(0.0).await;
    let server = Server::start(world.config(), world.deps(), world.shutdown.clone())
        .await
        .unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let running = tokio::spawn(server.run());
    ceteris_chassis::object_storage::install_tls();
    let client = reqwest::Client::new();
    let mut answered = BTreeSet::new();
    for i in 0..30 {
        let response = client
            .post(format!("{url}/v1/decide"))
            .json(&request(&format!("u{i}"), 0.5))
            .send()
            .await
            .unwrap();
        let body: serde_json::Value = response.json().await.unwrap();
        answered.insert(body["decision_id"].as_str().unwrap().to_owned());
    }
    world.shutdown.cancel();
    running.await.unwrap().unwrap();
    assert!(client.get(format!("{url}/livez")).send().await.is_err());
    let logged: BTreeSet<String> = world
        .decisions(30)
        .await
        .iter()
        .map(|r| record_of(r).decision_id)
        .collect();
    assert_eq!(logged, answered);
    pending(&world.config().journal_dir, |spooled| {
        panic!("{} was left", spooled.decision_id)
    })
    .unwrap();
    assert!(now().0 > 0);
}

#[tokio::test]
async fn without_keys_only_loopback_addresses_are_served() {
    let world = World::new().await;
    let mut config = world.config();
    config.listen = "0.0.0.0:0".parse().unwrap();
    let error = Server::start(config, world.deps(), world.shutdown.clone())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("no API keys are configured"), "{error}");
}
