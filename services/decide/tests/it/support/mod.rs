//! What the tests share: the e-commerce problem, a model made by hand, and a service over embedded backends.

pub mod topic;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use ceteris_chassis::Shutdown;
use ceteris_chassis::clock::Clock;
use ceteris_contract::arrays::{Array, Arrays};
use ceteris_contract::decide::DecideReply;
use ceteris_contract::duration::Span;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::manifest::{
    BasisTerm, FeatureSchema, Manifest, NotServed, Provenance, ServedEffect, What, feature_hash,
};
use ceteris_contract::problem::{Problem, ViewKind};
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;
use ceteris_contract::topics::CAUSAL_DECISIONS;
use ceteris_decide::app::App;
use ceteris_decide::config::Config;
use ceteris_decide::http;
use ceteris_decide::journal::Forwarder;
use ceteris_decide::loader::{Loader, PRODUCTION};
use ceteris_decide::{Deps, NoCache, assemble};
use ceteris_feature_store::{FeatureStore, MemoryStore};
use ceteris_registry::{AliasTarget, LogEntry, Registry};
use ceteris_stream::{ConsumedRecord, EmbeddedLog, EventLog, Message};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt;

/// The instant at which the tests' clock stands.
pub const NOW: &str = "2026-03-01T12:00:00Z";
/// Partitions of the tests' feature store.
pub const PARTITIONS: u16 = 4;

pub fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

pub fn ecommerce_yaml() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/problems/ecommerce.yaml");
    std::fs::read_to_string(path).unwrap()
}

pub fn hillstrom_yaml() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/problems/hillstrom.yaml");
    std::fs::read_to_string(path).unwrap()
}

pub fn problem(yaml: &str) -> Problem {
    Problem::from_yaml(yaml).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn numeric(name: &str, range: [f64; 2]) -> FeatureSchema {
    FeatureSchema {
        name: name.into(),
        kind: ViewKind::Numeric,
        range: Some(range),
        levels: Vec::new(),
    }
}

/// phi(x) = (1, (price_sensitivity − 0.5) / 0.25, [user_tier = gold]); `shift` makes another model of the same form.
///
/// coupon_10pct: tau = .2 + .1 z + .05 g on purchase_decision; coupon_5pct: .08; free_shipping: .01 + .02 z;
/// ad: not identified. Covariance of every one: diag(.0004, .0001, .0009) with .0001 between the first two.
pub fn model(problem: &Problem, shift: f64) -> (Manifest, Arrays) {
    let features = vec![
        numeric("price_sensitivity", [0.0, 1.0]),
        FeatureSchema {
            name: "user_tier".into(),
            kind: ViewKind::Categorical,
            range: None,
            levels: vec!["bronze".into(), "silver".into(), "gold".into()],
        },
    ];
    let basis = vec![
        BasisTerm::Intercept,
        BasisTerm::Standardised {
            feature: "price_sensitivity".into(),
            center: 0.5,
            scale: 0.25,
        },
        BasisTerm::Level {
            feature: "user_tier".into(),
            level: "gold".into(),
        },
    ];
    let betas = [
        ("coupon", "coupon_5pct", "purchase_decision", [0.08, 0.0, 0.0]),
        ("coupon", "coupon_5pct", "purchase_amount", [3.0, 0.0, 0.0]),
        ("coupon", "coupon_10pct", "purchase_decision", [0.2, 0.1, 0.05]),
        ("coupon", "coupon_10pct", "purchase_amount", [9.0, 4.0, 1.0]),
        (
            "free_shipping",
            "free_shipping",
            "purchase_decision",
            [0.01, 0.02, 0.0],
        ),
        (
            "free_shipping",
            "free_shipping",
            "purchase_amount",
            [0.5, 0.0, 0.0],
        ),
    ];
    let covariance = vec![0.0004, 0.0001, 0.0, 0.0001, 0.0001, 0.0, 0.0, 0.0, 0.0009];
    let mut arrays = Arrays::new();
    let mut effects = Vec::new();
    for (treatment, arm, outcome, mut beta) in betas {
        beta[0] += shift;
        let effect = ServedEffect {
            treatment: treatment.into(),
            arm: arm.into(),
            outcome: outcome.into(),
            estimate: beta[0],
            std_error: 0.02,
            ci: [beta[0] - 0.04, beta[0] + 0.04],
            p_value: 0.01,
            naive: 0.0,
            naive_ci: [-0.1, 0.1],
            rows: [100, 300],
            estimand: "E[Y(arm) - Y(0)]".into(),
            identification: json!({"strategy": "backdoor"}),
        };
        arrays.insert(
            effect.beta(),
            Array {
                shape: vec![3],
                data: beta.to_vec(),
            },
        );
        arrays.insert(
            effect.cov(),
            Array {
                shape: vec![3, 3],
                data: covariance.clone(),
            },
        );
        effects.push(effect);
    }
    let not_served = ["purchase_decision", "purchase_amount"].map(|outcome| NotServed {
        treatment: "ad".into(),
        outcome: outcome.into(),
        reason: "not_identified".into(),
        witness: json!({"hedge": []}),
    });
    let what = What {
        problem: problem.name.clone(),
        problem_model_digest: problem.model_digest(),
        graph_digest: problem.graph_digest(),
        dataset_digest: "0".repeat(64),
        rows: 400,
        units: 400,
        seed: 1,
        folds: 5,
        learners: BTreeMap::from([("outcome".into(), "ols".into())]),
        feature_hash: feature_hash(&features),
        features,
        effect_basis: basis,
        effects,
        not_served: not_served.to_vec(),
        diagnostics: BTreeMap::new(),
        gates: BTreeMap::new(),
        assumed: false,
    };
    let provenance = Provenance {
        trained_at: now(),
        as_of: None,
        ceteris_version: "0.1.0".into(),
        lake_versions: BTreeMap::new(),
        operation_digest: None,
    };
    (Manifest::name(what, provenance, &arrays), arrays)
}

/// Names `manifest` again after its content was changed.
pub fn renamed(manifest: Manifest, arrays: &Arrays) -> Manifest {
    Manifest::name(manifest.what, manifest.provenance, arrays)
}

/// A service over embedded backends, without a listener.
pub struct World {
    pub folder: TempDir,
    pub registry: Registry,
    pub features: Arc<MemoryStore>,
    pub log: Arc<EmbeddedLog>,
    pub clock: Clock,
    pub metrics: prometheus::Registry,
    pub shutdown: Shutdown,
}

impl World {
    /// Backends with the e-commerce problem in the registry and no model.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path().join("registry")).unwrap();
        registry
            .put_problem("ecommerce", &ecommerce_yaml(), now())
            .await
            .unwrap();
        let log_clock = Arc::new(|| now().0);
        let log = EmbeddedLog::open(folder.path().join("log"), log_clock).unwrap();
        World {
            registry,
            features: Arc::new(MemoryStore::new(PARTITIONS, Span::minutes(5)).unwrap()),
            log: Arc::new(log),
            clock: Clock::events(now()),
            metrics: prometheus::Registry::new(),
            shutdown: Shutdown::new(),
            folder,
        }
    }

    /// Publishes a model made by hand and moves `production` to it; its version.
    pub async fn promote(&self, shift: f64) -> String {
        let (manifest, arrays) = model(&problem(&ecommerce_yaml()), shift);
        self.registry.publish(&manifest, &arrays).await.unwrap();
        self.point(&manifest.version).await;
        manifest.version
    }

    /// Moves `production` to a published version.
    pub async fn point(&self, version: &str) {
        let generation = match self.registry.alias("ecommerce", PRODUCTION).await.unwrap() {
            Some(alias) => alias.generation,
            None => 0,
        };
        let entry = LogEntry {
            who: "test".into(),
            at: now(),
            reason: "a test".into(),
        };
        let target = AliasTarget::version(version.to_owned());
        self.registry
            .move_alias("ecommerce", PRODUCTION, &target, generation, &entry)
            .await
            .unwrap();
    }

    pub fn config(&self) -> Config {
        let mut config = Config::new(self.folder.path().join("decisions"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.at_allowed = true;
        config.topic_partitions = 4;
        config
    }

    pub fn deps(&self) -> Deps {
        Deps {
            registry: self.registry.clone(),
            features: Arc::clone(&self.features) as Arc<dyn FeatureStore>,
            effects: Arc::new(NoCache),
            log: Arc::clone(&self.log) as Arc<dyn EventLog>,
            clock: self.clock.clone(),
            identity: IdentityKey::new([7; 32]),
            metrics: self.metrics.clone(),
        }
    }

    pub async fn start(&self) -> Running {
        self.start_with(self.config()).await
    }

    pub async fn start_with(&self, config: Config) -> Running {
        // Each start of one process has a registry of metrics of its own.
        let mut deps = self.deps();
        deps.metrics = prometheus::Registry::new();
        let metrics = deps.metrics.clone();
        let (app, loader, forwarder) = assemble(config, deps, self.shutdown.clone()).await.unwrap();
        Running {
            router: http::router(Arc::clone(&app)),
            app,
            loader,
            forwarder: Some(forwarder),
            metrics,
        }
    }

    /// Every record of the decisions topic, once `count` of them are there.
    pub async fn decisions(&self, count: usize) -> Vec<ConsumedRecord> {
        let mut found = Vec::new();
        if count == 0 {
            return found;
        }
        let mut subscription = self.log.subscribe(CAUSAL_DECISIONS, "test").await.unwrap();
        while found.len() < count {
            if let Message::Records(records) = subscription.next().await.unwrap() {
                found.extend(records);
            }
        }
        found
    }
}

/// The parts of a started service.
pub struct Running {
    pub router: Router,
    pub app: Arc<App>,
    pub loader: Loader,
    pub forwarder: Option<Forwarder>,
    pub metrics: prometheus::Registry,
}

impl Running {
    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Json) -> (StatusCode, Json) {
        read(self.send(json_request(path, body)).await).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Json) {
        read(self.send(Request::get(path).body(Body::empty()).unwrap()).await).await
    }

    /// A decision that must succeed.
    pub async fn decide(&self, body: &Json) -> DecideReply {
        let (status, reply) = self.post("/v1/decide", body).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
        serde_json::from_value(reply).unwrap()
    }

    /// Ships the whole journal.
    pub async fn drain(&mut self) {
        let drain = Shutdown::new();
        drain.cancel();
        self.forwarder.take().unwrap().run(drain).await.unwrap();
    }
}

pub fn json_request(path: &str, body: &Json) -> Request<Body> {
    let bytes = serde_json::to_vec(body).unwrap();
    Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(bytes))
        .unwrap()
}

pub async fn read(response: Response<Body>) -> (StatusCode, Json) {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 64 << 20).await.unwrap();
    let json = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&bytes).into_owned()));
    (status, json)
}

/// A request for which the hand-made model has every feature.
pub fn request(user_id: &str, price_sensitivity: f64) -> Json {
    json!({
        "user_id": user_id,
        "context": {"price_sensitivity": price_sensitivity, "user_tier": "gold"},
        "available_treatments": [
            {"treatment_id": "coupon_5pct", "type": "coupon", "discount_percent": 5},
            {"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10},
            {"treatment_id": "free_shipping", "type": "free_shipping"},
        ],
    })
}

pub fn record_of(record: &ConsumedRecord) -> DecisionRecord {
    serde_json::from_slice(&record.payload).unwrap()
}
