//! The API as clients see it: replies, every refusal's body, keys, repeats, batches.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use ceteris_contract::decide::DecideReply;
use ceteris_decide::keys::{ApiKeys, Scope};
use serde_json::{Value as Json, json};

use crate::support::{NOW, World, json_request, model, problem, read, request};

#[tokio::test]
async fn a_decision_has_every_field_of_the_contract() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let service = world.start().await;
    let reply = service.decide(&request("user-17", 0.75)).await;
    assert_eq!(reply.user_id, "user-17");
    assert_eq!(reply.model_version.as_deref(), Some(version.as_str()));
    assert_eq!(reply.confidence_threshold, 0.05);
    assert_eq!(reply.computed_at.to_string(), NOW);
    assert_eq!(reply.effects.len(), 3);
    let id = uuid::Uuid::parse_str(&reply.decision_id).unwrap();
    assert_eq!(id.get_version_num(), 7);
    let expected = match reply.recommended_treatment.as_deref() {
        Some(arm) => reply
            .effects
            .iter()
            .find(|e| e.treatment_id == arm)
            .unwrap()
            .estimated_effect
            .unwrap(),
        None => 0.0,
    };
    assert_eq!(reply.expected_outcome, expected);
    let sum: f64 = reply.distribution.values().sum();
    assert!((sum - 1.0).abs() < 1e-12 && !reply.degraded);
}

/// One refused request: what is sent, and the status, code and field that must come back.
struct Refused {
    name: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    field: Option<&'static str>,
}

fn refused(name: &'static str, body: Json, status: u16, code: &'static str, field: &'static str) -> Refused {
    let field = (!field.is_empty()).then_some(field);
    Refused {
        name,
        body: serde_json::to_vec(&body).unwrap(),
        status,
        code,
        field,
    }
}

fn raw(name: &'static str, body: &str, status: u16, code: &'static str, field: &'static str) -> Refused {
    let field = (!field.is_empty()).then_some(field);
    Refused {
        name,
        body: body.as_bytes().to_vec(),
        status,
        code,
        field,
    }
}

fn with(change: impl FnOnce(&mut Json)) -> Json {
    let mut body = request("u", 0.5);
    change(&mut body);
    body
}

fn table() -> Vec<Refused> {
    let long = "x".repeat(257);
    let (bad, out) = ("invalid_field", "unprocessable_field");
    let many: Vec<Json> = (0..65)
        .map(|i| json!({"treatment_id": format!("a{i}"), "type": "t"}))
        .collect();
    let wide: serde_json::Map<String, Json> = (0..257).map(|i| (format!("f{i}"), json!(i))).collect();
    let mut all = vec![
        raw("nothing", "", 400, "malformed_json", ""),
        raw("not json", "{user_id: 1}", 400, "malformed_json", ""),
        raw("broken off", r#"{"user_id": "u", "#, 400, "malformed_json", ""),
        raw(
            "too large a number",
            r#"{"user_id":"u","context":{"a":1e999}}"#,
            400,
            "malformed_json",
            "",
        ),
        raw(
            "too deep",
            &format!("{}1{}", "[".repeat(300), "]".repeat(300)),
            400,
            "malformed_json",
            "",
        ),
        Refused {
            body: b"{\"user_id\": \"\xff\"}".to_vec(),
            ..raw("no utf-8", "", 400, "malformed_json", "")
        },
        raw(
            "a field twice",
            r#"{"user_id":"a","user_id":"b","available_treatments":[]}"#,
            400,
            bad,
            "",
        ),
        refused("an array", json!([1]), 400, bad, ""),
        refused(
            "no user",
            with(|b| drop(b.as_object_mut().unwrap().remove("user_id"))),
            400,
            bad,
            "user_id",
        ),
        refused(
            "user a number",
            with(|b| b["user_id"] = json!(5)),
            400,
            bad,
            "user_id",
        ),
        refused(
            "user empty",
            with(|b| b["user_id"] = json!("")),
            422,
            out,
            "user_id",
        ),
        refused(
            "user too long",
            with(|b| b["user_id"] = json!(long)),
            422,
            out,
            "user_id",
        ),
        refused(
            "context a list",
            with(|b| b["context"] = json!([1])),
            400,
            bad,
            "context",
        ),
        refused(
            "context null",
            with(|b| b["context"] = json!(null)),
            400,
            bad,
            "context",
        ),
        refused(
            "context nested",
            with(|b| b["context"]["a"] = json!({"b": 1})),
            400,
            bad,
            "context.a",
        ),
        refused(
            "context too wide",
            with(|b| b["context"] = json!(wide)),
            422,
            out,
            "context",
        ),
        refused(
            "context name empty",
            with(|b| b["context"][""] = json!(1)),
            422,
            out,
            "context.",
        ),
        refused(
            "context text long",
            with(|b| b["context"]["a"] = json!("x".repeat(1025))),
            422,
            out,
            "context.a",
        ),
        refused(
            "text for a number",
            with(|b| b["context"]["price_sensitivity"] = json!("high")),
            400,
            bad,
            "context.price_sensitivity",
        ),
        refused(
            "no treatments",
            with(|b| drop(b.as_object_mut().unwrap().remove("available_treatments"))),
            400,
            bad,
            "available_treatments",
        ),
        refused(
            "treatments text",
            with(|b| b["available_treatments"] = json!("x")),
            400,
            bad,
            "available_treatments",
        ),
        refused(
            "treatments empty",
            with(|b| b["available_treatments"] = json!([])),
            422,
            out,
            "available_treatments",
        ),
        refused(
            "treatments many",
            with(|b| b["available_treatments"] = json!(many)),
            422,
            out,
            "available_treatments",
        ),
    ];
    let candidate = |name, item: Json, status, code, field| {
        refused(
            name,
            with(|b| b["available_treatments"][1] = item),
            status,
            code,
            field,
        )
    };
    let coupon = |id: Json| json!({"treatment_id": id, "type": "coupon"});
    all.extend([
        candidate("candidate text", json!("x"), 400, bad, "available_treatments[1]"),
        candidate(
            "id missing",
            json!({"type": "coupon"}),
            400,
            bad,
            "available_treatments[1].treatment_id",
        ),
        candidate(
            "id a number",
            coupon(json!(5)),
            400,
            bad,
            "available_treatments[1].treatment_id",
        ),
        candidate(
            "id empty",
            coupon(json!("")),
            422,
            out,
            "available_treatments[1].treatment_id",
        ),
        candidate(
            "id none",
            coupon(json!("none")),
            422,
            out,
            "available_treatments[1].treatment_id",
        ),
        candidate(
            "id twice",
            coupon(json!("coupon_5pct")),
            422,
            out,
            "available_treatments[1].treatment_id",
        ),
        candidate(
            "type missing",
            json!({"treatment_id": "a"}),
            400,
            bad,
            "available_treatments[1].type",
        ),
        candidate(
            "type empty",
            json!({"treatment_id": "a", "type": ""}),
            422,
            out,
            "available_treatments[1].type",
        ),
        candidate(
            "parameter a list",
            json!({"treatment_id": "a", "type": "t", "percent": [5]}),
            400,
            bad,
            "available_treatments[1].percent",
        ),
        refused(
            "version a number",
            with(|b| b["version"] = json!(3)),
            400,
            bad,
            "version",
        ),
        refused(
            "version empty",
            with(|b| b["version"] = json!("")),
            422,
            out,
            "version",
        ),
        refused(
            "version unknown",
            with(|b| b["version"] = json!("nonsense")),
            422,
            "unknown_version",
            "version",
        ),
        refused(
            "version not there",
            with(|b| b["version"] = json!("ecommerce-000000000000")),
            422,
            "unknown_version",
            "version",
        ),
        refused(
            "version a path",
            with(|b| b["version"] = json!("ecommerce-/../../../etc")),
            422,
            "unknown_version",
            "version",
        ),
        refused(
            "problem unknown",
            with(|b| b["problem"] = json!("travel")),
            422,
            "unknown_problem",
            "problem",
        ),
        refused(
            "at nonsense",
            with(|b| b["at"] = json!("yesterday")),
            400,
            bad,
            "at",
        ),
        refused(
            "at too early",
            with(|b| b["at"] = json!("1969-01-01T00:00:00Z")),
            400,
            bad,
            "at",
        ),
        refused(
            "at not allowed",
            with(|b| b["at"] = json!(NOW)),
            422,
            "at_not_allowed",
            "at",
        ),
    ]);
    all
}

#[tokio::test]
async fn every_bad_request_is_refused_naming_its_field() {
    let world = World::new().await;
    world.promote(0.0).await;
    let mut config = world.config();
    config.at_allowed = false;
    let mut service = world.start_with(config).await;
    let mut bodies = std::collections::BTreeMap::new();
    for case in table() {
        let http = Request::post("/v1/decide").header("content-type", "application/json");
        let response = service.send(http.body(Body::from(case.body)).unwrap()).await;
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json",
            "{}",
            case.name
        );
        let (status, body) = read(response).await;
        assert_eq!(status.as_u16(), case.status, "{}: {body}", case.name);
        assert_eq!(body["code"], case.code, "{}: {body}", case.name);
        assert_eq!(body["field"].as_str(), case.field, "{}: {body}", case.name);
        assert_eq!(body["status"], case.status);
        bodies.insert(case.name, body);
    }
    insta::assert_json_snapshot!("refusals", bodies);
    service.drain().await;
    assert_eq!(
        service.app.journal.view().end_offset(),
        0,
        "nothing refused was logged"
    );
}

#[tokio::test]
async fn paths_methods_types_and_sizes_are_refused_the_same_way() {
    let world = World::new().await;
    let service = world.start().await;
    let big = json!({"user_id": "x".repeat(300 << 10)});
    let text = Request::post("/v1/decide")
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    let none = Request::post("/v1/decide").body(Body::from("{}")).unwrap();
    let cases = [
        (
            Request::get("/nowhere").body(Body::empty()).unwrap(),
            404,
            "not_found",
        ),
        (
            Request::get("/v1/decide").body(Body::empty()).unwrap(),
            405,
            "method_not_allowed",
        ),
        (
            Request::delete("/v1/models").body(Body::empty()).unwrap(),
            405,
            "method_not_allowed",
        ),
        (text, 415, "unsupported_media_type"),
        (none, 415, "unsupported_media_type"),
        (json_request("/v1/decide", &big), 413, "payload_too_large"),
    ];
    for (request, status, code) in cases {
        let response = service.send(request).await;
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        if status == 405 {
            assert!(response.headers().contains_key(header::ALLOW));
        }
        let (found, body) = read(response).await;
        assert_eq!(
            (found.as_u16(), body["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
    }
    // Without a length the limit holds while reading.
    let stream = futures::stream::iter((0..400).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let chunked = Request::post("/v1/decide").header("content-type", "application/json");
    let (status, _) = read(
        service
            .send(chunked.body(Body::from_stream(stream)).unwrap())
            .await,
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let world = World::new().await;
    let mut config = world.config();
    config.body_timeout = std::time::Duration::from_millis(20);
    let service = world.start_with(config).await;
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let http = Request::post("/v1/decide").header("content-type", "application/json");
    let (status, body) = read(service.send(http.body(Body::from_stream(never)).unwrap()).await).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (408, Some("request_timeout"))
    );
}

#[tokio::test]
async fn the_version_may_stand_in_a_header_or_the_query_but_not_differ() {
    let world = World::new().await;
    let old = world.promote(0.01).await;
    let new = world.promote(0.0).await;
    let service = world.start().await;
    let send = |path: String, version: Option<&str>, header: Option<&str>| {
        let mut body = request("u", 0.5);
        if let Some(version) = version {
            body["version"] = json!(version);
        }
        let mut http = json_request(&path, &body);
        if let Some(header) = header {
            http.headers_mut()
                .insert("x-model-version", header.parse().unwrap());
        }
        service.send(http)
    };
    let path = || "/v1/decide".to_owned();
    for (path, version, header, used) in [
        (path(), None, None, &new),
        (path(), Some(&old), None, &old),
        (path(), None, Some(&old), &old),
        (path(), Some(&old), Some(&old), &old),
        (format!("/v1/decide?version={old}"), None, None, &old),
        (path(), Some(&new), None, &new),
    ] {
        let (status, body) = read(send(path, version.map(|v| &**v), header.map(|h| &**h)).await).await;
        assert_eq!(
            (status, body["model_version"].as_str()),
            (StatusCode::OK, Some(used.as_str())),
            "{body}"
        );
    }
    for (path, version, header, field) in [
        (path(), Some(&old), Some(&new), "x-model-version"),
        (format!("/v1/decide?version={old}"), Some(&new), None, "version"),
        (
            format!("/v1/decide?version={old}"),
            None,
            Some(&new),
            "x-model-version",
        ),
    ] {
        let (status, body) = read(send(path, version.map(|v| &**v), header.map(|h| &**h)).await).await;
        assert_eq!(
            (status.as_u16(), body["field"].as_str()),
            (422, Some(field)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_repeat_with_the_same_key_gets_the_same_reply_and_one_record() {
    let world = World::new().await;
    world.promote(0.0).await;
    let service = world.start().await;
    let send = |body: Json, key: &'static str| {
        let mut http = json_request("/v1/decide", &body);
        http.headers_mut().insert("idempotency-key", key.parse().unwrap());
        service.send(http)
    };
    let repeats = (0..20).map(|_| async { read(send(request("u", 0.75), "order-1").await).await });
    let replies = futures::future::join_all(repeats).await;
    assert!(
        replies
            .iter()
            .all(|(status, body)| *status == StatusCode::OK && *body == replies[0].1)
    );
    assert_eq!(service.app.journal.view().end_offset(), 1);
    // The same request with its fields in another order is the same request.
    let text = r#"{"available_treatments":[{"type":"coupon","discount_percent":5,"treatment_id":"coupon_5pct"},
        {"type":"coupon","treatment_id":"coupon_10pct","discount_percent":10},
        {"type":"free_shipping","treatment_id":"free_shipping"}],
        "context":{"user_tier":"gold","price_sensitivity":0.75},"user_id":"u"}"#;
    let http = Request::post("/v1/decide").header("content-type", "application/json");
    let http = http
        .header("Idempotency-Key", "order-1")
        .body(Body::from(text))
        .unwrap();
    assert_eq!(read(service.send(http).await).await.1, replies[0].1);
    let (status, body) = read(send(request("u", 0.76), "order-1").await).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (422, Some("idempotency_key_reused"))
    );
    let (_, other) = read(send(request("u", 0.75), "order-2").await).await;
    assert_ne!(other["decision_id"], replies[0].1["decision_id"]);
    // After a restart the id is the same still.
    let again = World {
        folder: tempfile::tempdir().unwrap(),
        ..world
    };
    let second = again.start().await;
    let mut http = json_request("/v1/decide", &request("u", 0.75));
    http.headers_mut()
        .insert("idempotency-key", "order-1".parse().unwrap());
    assert_eq!(
        read(second.send(http).await).await.1["decision_id"],
        replies[0].1["decision_id"]
    );
}

#[tokio::test]
async fn a_batch_answers_each_in_its_place() {
    let world = World::new().await;
    world.promote(0.0).await;
    let service = world.start().await;
    let good = |user: &str| request(user, 0.75);
    let batch =
        json!({"requests": [good("a"), {"user_id": 5}, good("c"), with(|b| b["user_id"] = json!(""))]});
    let (status, body) = service.post("/v1/decide/batch", &batch).await;
    assert_eq!(status, StatusCode::OK);
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    assert_eq!(
        (results[0]["user_id"].as_str(), results[2]["user_id"].as_str()),
        (Some("a"), Some("c"))
    );
    assert_eq!(results[1]["field"], "requests[1].user_id");
    assert_eq!(
        (results[3]["code"].as_str(), results[3]["field"].as_str()),
        (Some("unprocessable_field"), Some("requests[3].user_id"))
    );
    assert_eq!(service.app.journal.view().end_offset(), 2);
    let full: Vec<Json> = (0..256).map(|i| good(&format!("u{i}"))).collect();
    let (_, body) = service.post("/v1/decide/batch", &json!({"requests": full})).await;
    let replies: Vec<DecideReply> = serde_json::from_value(body["results"].clone()).unwrap();
    assert!(
        replies
            .iter()
            .enumerate()
            .all(|(i, r)| r.user_id == format!("u{i}"))
    );
    for (requests, status, code) in [
        (json!([]), 422, "unprocessable_field"),
        (json!(vec![json!({}); 257]), 422, "unprocessable_field"),
        (json!({}), 400, "invalid_field"),
    ] {
        let (found, body) = service
            .post("/v1/decide/batch", &json!({"requests": requests}))
            .await;
        assert_eq!(
            (found.as_u16(), body["code"].as_str(), body["field"].as_str()),
            (status, Some(code), Some("requests"))
        );
    }
}

#[tokio::test]
async fn keys_open_their_scopes_and_health_needs_none() {
    let world = World::new().await;
    let mut config = world.config();
    config.keys = ApiKeys::new([
        ("shop", "0123456789abcdef", vec![Scope::Decide]),
        ("board", "fedcba9876543210", vec![Scope::Models]),
    ])
    .unwrap();
    let service = world.start_with(config).await;
    let models = |key: Option<&str>| {
        let mut http = Request::get("/v1/models").body(Body::empty()).unwrap();
        if let Some(key) = key {
            http.headers_mut()
                .insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        service.send(http)
    };
    assert_eq!(models(Some("fedcba9876543210")).await.status(), StatusCode::OK);
    assert_eq!(
        models(Some("0123456789abcdef")).await.status(),
        StatusCode::FORBIDDEN
    );
    let response = models(None).await;
    assert_eq!(
        (
            response.status(),
            response.headers()["www-authenticate"].to_str().unwrap()
        ),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let (status, body) = service.post("/v1/decide", &request("u", 0.5)).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (401, Some("unauthorized"))
    );
    for path in ["/health", "/livez", "/readyz", "/openapi.json"] {
        assert_eq!(service.get(path).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn without_a_permit_requests_are_shed_at_once() {
    let world = World::new().await;
    let service = world.start().await;
    let all = u32::try_from(service.app.config.requests_max).unwrap();
    let held = service.app.permits.acquire_many(all).await.unwrap();
    let response = service.send(json_request("/v1/decide", &request("u", 0.5))).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    assert_eq!(read(response).await.1["code"], "overloaded");
    drop(held);
    assert!(service.decide(&request("u", 0.5)).await.degraded, "no model");
    world.shutdown.cancel();
    let (status, body) = service.post("/v1/decide", &request("u", 0.5)).await;
    assert_eq!(
        (status.as_u16(), body["code"].as_str()),
        (503, Some("shutting_down"))
    );
    assert_eq!(service.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(service.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn models_and_health_say_what_is_served() {
    let world = World::new().await;
    let mut service = world.start().await;
    let (_, health) = service.get("/health").await;
    assert_eq!(
        (
            health["status"].as_str(),
            &health["problems"]["ecommerce"]["model_version"]
        ),
        (Some("degraded"), &Json::Null)
    );
    assert_eq!(
        service.get("/readyz").await.0,
        StatusCode::OK,
        "no model is a state to serve in"
    );
    let version = world.promote(0.0).await;
    service.loader.refresh().await;
    let (_, health) = service.get("/health").await;
    assert_eq!(
        (
            health["status"].as_str(),
            health["problems"]["ecommerce"]["model_version"].as_str()
        ),
        (Some("ok"), Some(version.as_str()))
    );
    let (_, models) = service.get("/v1/models").await;
    let (manifest, _) = model(&problem(&crate::support::ecommerce_yaml()), 0.0);
    let entry = &models["models"][0];
    assert_eq!(entry["model"]["digest"], manifest.digest);
    assert_eq!(entry["model"]["effects"].as_array().unwrap().len(), 6);
    assert_eq!(entry["model"]["not_served"][0]["reason"], "not_identified");
    assert_eq!(
        entry["treatments"]["coupon"],
        json!(["coupon_5pct", "coupon_10pct"])
    );
}

#[tokio::test]
async fn the_openapi_document_is_the_one_reviewed() {
    let world = World::new().await;
    let service = world.start().await;
    let (status, document) = service.get("/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn what_happened_is_counted() {
    let world = World::new().await;
    world.promote(0.0).await;
    let service = world.start().await;
    service.decide(&request("u", 0.75)).await;
    service.decide(&request("u", 1.5)).await;
    service.post("/v1/decide", &json!({})).await;
    service.get("/made-up").await;
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&service.metrics.gather())
        .unwrap();
    for line in [
        r#"ceteris_decide_http_requests_total{method="POST",path="/v1/decide",status="200"} 2"#,
        r#"ceteris_decide_http_requests_total{method="POST",path="/v1/decide",status="400"} 1"#,
        r#"ceteris_decide_http_requests_total{method="GET",path="other",status="404"} 1"#,
        r#"ceteris_decide_degraded_total{problem="ecommerce",reason="outside_support"} 1"#,
        r#"causal_ate_estimate{outcome="purchase_decision",problem="ecommerce",treatment="coupon_10pct"} 0.2"#,
        "cate_prediction_duration_seconds_count 2",
        r#"cate_confidence_interval_width_count{outcome="purchase_decision",problem="ecommerce"} 6"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let families = service.metrics.gather();
    for name in families.iter().map(|family| family.name()) {
        let of_estimates = name.starts_with("cate_") || name.starts_with("causal_");
        assert!(of_estimates || name.starts_with("ceteris_decide_"), "{name}");
    }
}
