//! Whatever is sent, the answer is a reply or a refusal that says why: never a fault of the service.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use crate::support::{Running, World, read, request};

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        prop::sample::select(vec![
            "",
            "none",
            "coupon",
            "coupon_5pct",
            "gold",
            "ecommerce",
            "é\"\\\u{0}\u{1f600}"
        ])
        .prop_map(Json::from),
        ".{0,300}".prop_map(Json::from),
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z_]{0,12}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A good request in which one place holds anything.
fn spoilt() -> impl Strategy<Value = Json> {
    let places = vec![
        "/user_id",
        "/context",
        "/context/price_sensitivity",
        "/context/user_tier",
        "/context/extra",
        "/available_treatments",
        "/available_treatments/0",
        "/available_treatments/0/treatment_id",
        "/available_treatments/1/type",
        "/available_treatments/1/discount_percent",
        "/version",
        "/problem",
        "/at",
        "/unheard_of",
    ];
    (prop::sample::select(places), any_json()).prop_map(|(place, anything)| {
        let mut body = request("u", 0.75);
        let (parent, name) = place.rsplit_once('/').unwrap();
        match body.pointer_mut(parent).unwrap() {
            Json::Object(fields) => drop(fields.insert(name.to_owned(), anything)),
            Json::Array(items) => items[name.parse::<usize>().unwrap()] = anything,
            other => panic!("{other} has no places"),
        }
        body
    })
}

/// Sends a body and checks that the answer is one of ours; whether it was decided.
async fn holds(service: &Running, path: &str, body: Vec<u8>) -> Result<bool, TestCaseError> {
    let http = Request::post(path).header("content-type", "application/json");
    let (status, answer) = read(service.send(http.body(Body::from(body)).unwrap()).await).await;
    match status {
        StatusCode::OK => Ok(true),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            prop_assert!(
                answer["code"].is_string() && answer["detail"].is_string(),
                "{}",
                answer
            );
            let named = answer["field"].is_string()
                || answer["code"] == "malformed_json"
                || answer["code"] == "invalid_field";
            prop_assert!(named, "{}", answer);
            Ok(false)
        }
        other => Err(TestCaseError::fail(format!("{other}: {answer}"))),
    }
}

#[test]
fn no_body_is_a_fault_of_the_service() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (world, mut service) = runtime.block_on(async {
        let world = World::new().await;
        world.promote(0.0).await;
        let service = world.start().await;
        (world, service)
    });
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    };
    let answered_here = std::cell::Cell::new(0);
    proptest!(config, |(one in spoilt(), other in any_json(), bytes in prop::collection::vec(any::<u8>(), 0..64))| {
        let batch = json!({"requests": [one, other]});
        for (path, body) in [
            ("/v1/decide", serde_json::to_vec(&one).unwrap()),
            ("/v1/decide", serde_json::to_vec(&other).unwrap()),
            ("/v1/decide", bytes.clone()),
            ("/v1/decide/batch", bytes),
        ] {
            let answered = runtime.block_on(holds(&service, path, body))?;
            answered_here.set(answered_here.get() + u64::from(answered));
        }
        let answer = runtime.block_on(service.post("/v1/decide/batch", &batch)).1;
        let results = answer["results"].as_array().cloned().unwrap_or_default();
        prop_assert_eq!(results.len(), 2, "{}", answer);
        answered_here.set(answered_here.get() + results.iter().filter(|r| r["decision_id"].is_string()).count() as u64);
    });
    let decided = answered_here.get();
    assert!(
        decided > 20,
        "the good part of the requests is too small: {decided}"
    );
    assert_eq!(
        service.app.journal.view().end_offset(),
        decided,
        "what was answered, and nothing else, is logged"
    );
    runtime.block_on(service.drain());
    // Every record, whatever its user put in it, reads back and replays.
    for record in runtime.block_on(world.decisions(usize::try_from(decided).unwrap())) {
        let record = crate::support::record_of(&record);
        assert_eq!(ceteris_decide::decide::decide(&record.inputs), record.decision);
    }
}
