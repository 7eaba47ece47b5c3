//! `/livez` answers while the process runs, `/readyz` says whether to send traffic, `/health` is for people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// `GET /health`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HealthReply {
    /// `ok`; `degraded` where some problem is without its newest model or decisions wait; `starting`; `leaving`.
    pub status: String,
    /// The program's version.
    pub version: String,
    /// By problem name.
    pub problems: BTreeMap<String, ProblemHealth>,
    /// The decision journal.
    pub journal: JournalHealth,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProblemHealth {
    /// The model that decides; null where the fallback rules do.
    pub model_version: Option<String>,
    /// Why the newest model or problem file does not serve; null where it does.
    pub fault: Option<String>,
}

/// The decision journal.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct JournalHealth {
    /// Bytes in use.
    pub bytes: u64,
    /// Their bound.
    pub bytes_max: u64,
    /// Decisions the topic has not taken yet.
    pub waiting: u64,
    /// False where the forwarder has given up.
    pub forwarding: bool,
}

/// The summary people read.
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "health",
    responses((status = 200, description = "The service runs; the body says how well", body = HealthReply)),
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Json<HealthReply> {
    let entries = app.catalog.entries();
    let problems: BTreeMap<String, ProblemHealth> = entries
        .iter()
        .map(|(name, entry)| {
            let model_version = entry.served.model().map(|m| m.served().version.clone());
            (
                name.clone(),
                ProblemHealth {
                    model_version,
                    fault: entry.fault.clone(),
                },
            )
        })
        .collect();
    let forwarding = app.forwarding.load(Ordering::Acquire);
    let whole = problems
        .values()
        .all(|p| p.model_version.is_some() && p.fault.is_none())
        && forwarding;
    let status = match (app.shutdown.is_cancelled(), app.ready(), whole) {
        (true, ..) => "leaving",
        (_, true, true) => "ok",
        (_, true, false) => "degraded",
        (_, false, _) if forwarding => "starting",
        _ => "degraded",
    };
    Json(HealthReply {
        status: status.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        problems,
        journal: JournalHealth {
            bytes: app.journal.view().bytes_used(),
            bytes_max: app.config.journal_bytes_max,
            waiting: u64::try_from(app.metrics.journal_waiting.get()).unwrap_or(0),
            forwarding,
        },
    })
}

/// The process runs. Depends on nothing.
#[utoipa::path(
    get, path = "/livez", operation_id = "livez", tag = "health",
    responses((status = 200, description = "The process runs", body = String, content_type = "text/plain")),
)]
pub(super) async fn livez() -> &'static str {
    "alive"
}

/// Every problem is loaded. A problem without a model is ready: its fallback rules decide.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "health",
    responses(
        (status = 200, description = "Send traffic", body = String, content_type = "text/plain"),
        (status = 503, description = "Do not send traffic", body = String, content_type = "text/plain"),
    ),
)]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    if app.ready() {
        (StatusCode::OK, "ready").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready").into_response()
    }
}
