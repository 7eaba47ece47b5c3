//! The GraphQL endpoint: its schema, its answers on the e-commerce graph, its bounds, and who may ask.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ceteris_decide::http::sdl;
use ceteris_decide::keys::{ApiKeys, Scope};
use serde_json::{Value as Json, json};

use crate::support::{Running, World, json_request, read};

async fn ask(service: &Running, query: &str) -> Json {
    let (status, reply) = service.post("/v1/graphql", &json!({ "query": query })).await;
    assert_eq!(status, StatusCode::OK, "{reply}");
    reply
}

/// The data of a query that has no errors.
async fn data(service: &Running, query: &str) -> Json {
    let mut reply = ask(service, query).await;
    assert!(reply.get("errors").is_none(), "{reply}");
    reply["data"].take()
}

#[test]
fn the_schema_is_the_snapshot() {
    insta::assert_snapshot!("schema", sdl());
}

#[tokio::test]
async fn the_ecommerce_graph_answers() {
    let world = World::new().await;
    let version = world.promote(0.0).await;
    let service = world.start().await;
    let graph = &data(
        &service,
        r#"{ graph(problem: "ecommerce") {
            problem version digest
            coupon: node(name: "coupon_discount") { role clock latent parents children descendants }
            nothing: node(name: "mood") { name }
            edges { from to bidirected }
            paths(from: ["coupon_discount"], to: ["purchase_decision"], backDoorOnly: true, openOnly: true) {
                complete paths { text open stops { node stance why } }
            }
            adjustmentSets(treatments: ["coupon_discount"], outcomes: ["purchase_decision"]) { sets complete optimal }
            coupon_effect: identify(treatments: ["coupon_discount"], outcomes: ["purchase_decision"]) {
                identifiable strategy target adjustmentSets estimand
            }
            ad_effect: identify(treatments: ["ad_exposure"], outcomes: ["purchase_decision"]) {
                identifiable strategy mediators adjustmentSets frontDoorSets { mediators given } instruments { instrument }
            }
            ad_by_back_door: identify(treatments: ["ad_exposure"], outcomes: ["purchase_decision"], strategy: BACKDOOR) {
                identifiable reason
            }
            models { complete models { version production } }
        } }"#,
    )
    .await["graph"];
    assert_eq!(graph["problem"], "ecommerce");
    assert_eq!(graph["coupon"]["role"], "TREATMENT");
    assert_eq!(
        graph["paths"]["paths"][0]["text"],
        "coupon_discount <- price_sensitivity -> purchase_decision"
    );
    assert_eq!(graph["paths"]["paths"][0]["stops"][0]["stance"], "FORK");
    assert_eq!(graph["coupon"]["clock"], json!(null));
    assert_eq!(graph["nothing"], json!(null));
    assert_eq!(graph["adjustmentSets"]["sets"], json!([["price_sensitivity"]]));
    assert_eq!(graph["adjustmentSets"]["complete"], true);
    assert_eq!(
        graph["ad_effect"]["frontDoorSets"],
        json!([{ "mediators": ["browsing_time"], "given": ["user_engagement"] }])
    );
    assert_eq!(graph["coupon_effect"]["identifiable"], true);
    assert_eq!(graph["coupon_effect"]["strategy"], "BACKDOOR");
    assert!(graph["coupon_effect"]["estimand"]["sum"].is_object());
    assert_eq!(graph["ad_effect"]["strategy"], "FRONTDOOR");
    assert_eq!(graph["ad_effect"]["mediators"], json!(["browsing_time"]));
    assert_eq!(graph["ad_effect"]["adjustmentSets"], json!([]));
    assert_eq!(graph["ad_by_back_door"]["identifiable"], false);
    assert!(
        graph["ad_by_back_door"]["reason"]
            .as_str()
            .unwrap()
            .contains("ad_exposure <-> purchase_decision")
    );
    assert_eq!(
        graph["models"],
        json!({ "complete": true, "models": [{ "version": version, "production": true }] })
    );
    // All of it in one query would be too much for its bound.
    let more = &data(
        &service,
        r#"{ graph(problem: "ecommerce") {
            nodes { name clock markovBlanket }
            separated(left: ["coupon_discount"], right: ["purchase_decision"])
            districts
            testableImplications { complete independences { left right given } }
        } }"#,
    )
    .await["graph"];
    assert_eq!(more["separated"], false);
    assert_eq!(more["testableImplications"]["complete"], true);
    assert!(
        !more["testableImplications"]["independences"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let nodes = more["nodes"].as_array().unwrap();
    let sensitivity = nodes
        .iter()
        .find(|node| node["name"] == "price_sensitivity")
        .unwrap();
    assert_eq!(sensitivity["clock"], "BEFORE");
    assert!(
        sensitivity["markovBlanket"]
            .as_array()
            .unwrap()
            .contains(&json!("purchase_decision"))
    );
    let districts = more["districts"].as_array().unwrap();
    assert!(
        districts
            .iter()
            .any(|district| district.as_array().unwrap().contains(&json!("ad_exposure")))
    );
    // The version that was told opens the same graph, and the list of graphs holds it.
    let again = format!(
        r#"{{ graph(problem: "ecommerce", version: {}) {{ digest }} graphs {{ digest }} versions(problem: "ecommerce") }}"#,
        graph["version"]
    );
    let again = data(&service, &again).await;
    assert_eq!(again["graph"]["digest"], graph["digest"]);
    assert_eq!(again["graphs"], json!([{ "digest": graph["digest"] }]));
    assert_eq!(again["versions"], json!([graph["version"]]));
}

#[tokio::test]
async fn what_is_not_there_is_an_error_by_name() {
    let world = World::new().await;
    let service = world.start().await;
    for (query, code, message) in [
        (
            r#"{ graph(problem: "shop") { digest } }"#,
            "unknown_problem",
            "no problem `shop` is served",
        ),
        (
            r#"{ graph(problem: "ecommerce", version: "00") { digest } }"#,
            "unknown_version",
            "the registry has no version 00 of ecommerce",
        ),
        (
            r#"{ graph(problem: "ecommerce") { paths(from: ["mood"], to: ["purchase_decision"]) { complete } } }"#,
            "unknown_node",
            "mood is not a node of the graph",
        ),
        (
            r#"{ graph(problem: "ecommerce") { adjustmentSets(treatments: ["coupon_discount"], outcomes: ["user_intent"]) { sets } } }"#,
            "unprocessable_query",
            "outcome user_intent is latent",
        ),
        (
            r#"{ graph(problem: "ecommerce") { identify(treatments: ["mood"], outcomes: ["purchase_decision"]) { latex } } }"#,
            "unknown_node",
            "treatment mood is not a node of the graph",
        ),
        (
            r#"{ versions(problem: "shop") }"#,
            "unknown_problem",
            "no problem `shop` is served",
        ),
    ] {
        let reply = ask(&service, query).await;
        assert_eq!(reply["errors"][0]["message"], message, "{reply}");
        assert_eq!(reply["errors"][0]["extensions"]["code"], code, "{reply}");
    }
    // What does not fit the schema has a code too.
    for query in [
        "{ nothing }",
        "{",
        "{ graph }",
        "query A { versions(problem: 3) }",
    ] {
        let reply = ask(&service, query).await;
        assert_eq!(
            reply["errors"][0]["extensions"]["code"], "invalid_query",
            "{reply}"
        );
    }
    // A path in the version's place reads nothing.
    let reply = ask(
        &service,
        r#"{ graph(problem: "ecommerce", version: "../../etc/passwd") { digest } }"#,
    )
    .await;
    assert!(
        reply["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("cannot be read"),
        "{reply}"
    );
    assert_eq!(reply["errors"][0]["extensions"]["code"], "unavailable", "{reply}");
}

#[tokio::test]
async fn deep_and_costly_queries_are_refused_before_they_run() {
    let world = World::new().await;
    let service = world.start().await;
    let deep = format!(
        "{{ __schema {}{}{} }}",
        "{ types { fields { type ".repeat(6),
        "{ name }",
        " } } }".repeat(6)
    );
    let reply = ask(&service, &deep).await;
    assert_eq!(reply["errors"][0]["extensions"]["code"], "too_deep", "{reply}");
    let one =
        r#": adjustmentSets(treatments: ["coupon_discount"], outcomes: ["purchase_decision"]) { sets }"#;
    let many: String = (0..20).map(|i| format!("a{i}{one}\n")).collect();
    let reply = ask(
        &service,
        &format!(r#"{{ graph(problem: "ecommerce") {{ {many} }} }}"#),
    )
    .await;
    assert_eq!(reply["errors"][0]["message"], "Query is too complex.", "{reply}");
    assert_eq!(reply["errors"][0]["extensions"]["code"], "too_complex", "{reply}");
    assert!(reply["data"].is_null());
    let mutation = ask(&service, "mutation { promote }").await;
    assert!(
        mutation["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("not configured for mutations"),
        "{mutation}"
    );
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_problems() {
    let world = World::new().await;
    let service = world.start().await;
    let (status, reply) = read(service.send(json_request("/v1/graphql", &json!([1]))).await).await;
    assert_eq!(
        (status, reply["code"].clone()),
        (StatusCode::BAD_REQUEST, json!("invalid_field"))
    );
    let broken = Request::post("/v1/graphql")
        .header("content-type", "application/json")
        .body(Body::from("{"))
        .unwrap();
    let (status, reply) = read(service.send(broken).await).await;
    assert_eq!(
        (status, reply["code"].clone()),
        (StatusCode::BAD_REQUEST, json!("malformed_json"))
    );
    let long = json!({ "query": "x".repeat(70_000) });
    let (status, reply) = read(service.send(json_request("/v1/graphql", &long)).await).await;
    assert_eq!(
        (status, reply["code"].clone()),
        (StatusCode::PAYLOAD_TOO_LARGE, json!("payload_too_large"))
    );
    let (status, _) = service.get("/v1/graphql").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_key_needs_the_models_scope() {
    let world = World::new().await;
    let mut config = world.config();
    config.keys = ApiKeys::new([
        ("shop", "0123456789abcdef", vec![Scope::Decide]),
        ("board", "fedcba9876543210", vec![Scope::Models]),
    ])
    .unwrap();
    let service = world.start_with(config).await;
    for (secret, status) in [
        ("0123456789abcdef", StatusCode::FORBIDDEN),
        ("fedcba9876543210", StatusCode::OK),
        ("unknown-unknown-", StatusCode::UNAUTHORIZED),
    ] {
        let mut request = json_request("/v1/graphql", &json!({ "query": "{ graphs { digest } }" }));
        let bearer = format!("Bearer {secret}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        assert_eq!(service.send(request).await.status(), status, "{secret}");
    }
}
