//! `POST /v1/decide` and `POST /v1/decide/batch`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use ceteris_contract::decide::{BatchReply, BatchRequest, DecideReply, DecideRequest};
use ceteris_contract::error::{Code, Problem};
use ceteris_contract::event::ID_BYTES_MAX;
use futures::future::join_all;

use super::{ApiError, admit, body};
use crate::app::{App, Call};
use crate::keys::Scope;
use crate::refusal::Refusal;
use crate::request;

const MODEL_VERSION: &str = "x-model-version";
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Decides for one user.
#[utoipa::path(
    post,
    path = "/v1/decide",
    operation_id = "decide",
    tag = "decide",
    params(
        ("version" = Option<String>, Query, description = "A model version, as in the body"),
        ("x-model-version" = Option<String>, Header, description = "A model version, as in the body"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the same reply"),
    ),
    request_body = DecideRequest,
    responses(
        (status = 200, description = "Decided and logged", body = DecideReply),
        (status = 400, description = "malformed_json, invalid_field", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "unauthorized", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "forbidden", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "request_timeout", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "payload_too_large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "unsupported_media_type", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "unprocessable_field, at_not_allowed, unknown_problem, ambiguous_problem, unknown_version, idempotency_key_reused", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "internal", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "journal_full, overloaded, shutting_down; Retry-After says when to try again", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn one(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let read_at = Instant::now();
    let (parts, body) = request.into_parts();
    let outside = outside(&parts.headers, &parts.uri)?;
    let caller = admit::caller(&app, &parts.headers, Scope::Decide)?;
    let bytes = read(&app, &parts.headers, body, app.config.decide_bytes_max).await?;
    let _permit = admit::permit(&app)?;
    let call = Call {
        caller,
        version: outside.version,
        key: outside.key,
        index: 0,
        read_at,
    };
    let reply = app.answer(request::read(&bytes)?, call).await?;
    Ok(json(reply))
}

/// Decides for up to 256 users. A request at fault is refused in its place, the others are decided.
#[utoipa::path(
    post,
    path = "/v1/decide/batch",
    operation_id = "decide_batch",
    tag = "decide",
    params(
        ("version" = Option<String>, Query, description = "A model version for every request"),
        ("x-model-version" = Option<String>, Header, description = "A model version for every request"),
        ("Idempotency-Key" = Option<String>, Header, description = "Each request is remembered by this key and its place"),
    ),
    request_body = BatchRequest,
    responses(
        (status = 200, description = "One result per request, in order: a reply or a problem", body = BatchReply),
        (status = 400, description = "malformed_json, invalid_field", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "unauthorized", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "forbidden", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "request_timeout", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "payload_too_large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "unsupported_media_type", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "unprocessable_field", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "overloaded; Retry-After says when to try again", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn batch(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let read_at = Instant::now();
    let (parts, body) = request.into_parts();
    let outside = outside(&parts.headers, &parts.uri)?;
    let caller = admit::caller(&app, &parts.headers, Scope::Decide)?;
    let bytes = read(&app, &parts.headers, body, app.config.batch_bytes_max).await?;
    let _permit = admit::permit(&app)?;
    // All at once: their journal writes share one write of the disk.
    let app = &app;
    let results = request::read_batch(&bytes)?
        .into_iter()
        .enumerate()
        .map(|(index, request)| async move {
            let call = Call {
                caller,
                version: outside.version,
                key: outside.key,
                index,
                read_at,
            };
            match request {
                Ok(request) => app
                    .answer(request, call)
                    .await
                    .map_err(|fault| within(fault, index)),
                Err(fault) => Err(fault),
            }
        });
    let results: Vec<Result<Bytes, Refusal>> = join_all(results).await;
    Ok(json(joined(&results)))
}

async fn read(app: &App, headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    if app.shutdown.is_cancelled() {
        return Err(ApiError::new(
            Code::ShuttingDown,
            "the service is leaving; another one answers",
        ));
    }
    body::read(app, headers, body, bytes_max).await
}

/// What stands outside the body.
#[derive(Clone, Copy)]
struct Outside<'a> {
    version: Option<(&'static str, &'a str)>,
    key: Option<&'a str>,
}

fn outside<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Result<Outside<'a>, ApiError> {
    let header = text(headers, MODEL_VERSION)?;
    let query = uri
        .query()
        .and_then(|q| q.split('&').find_map(|pair| pair.strip_prefix("version=")));
    let version = match (header, query) {
        (Some(header), Some(query)) if header != query => {
            let detail = format!("{MODEL_VERSION} says {header}, the query's version {query}; name one");
            return Err(ApiError::field(Code::UnprocessableField, MODEL_VERSION, detail));
        }
        (Some(header), _) => Some((MODEL_VERSION, header)),
        (None, query) => query.map(|version| ("version", version)),
    };
    Ok(Outside {
        version,
        key: text(headers, IDEMPOTENCY_KEY)?,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= ID_BYTES_MAX => Ok(Some(text)),
        _ => {
            let detail = format!("{name} has 1 to {ID_BYTES_MAX} visible ASCII characters");
            Err(ApiError::field(Code::UnprocessableField, name, detail))
        }
    }
}

/// A fault's field as seen from the batch.
fn within(mut fault: Refusal, index: usize) -> Refusal {
    fault.field = fault.field.map(|field| format!("requests[{index}].{field}"));
    fault
}

/// `{"results":[..]}` from replies that are JSON already.
fn joined(results: &[Result<Bytes, Refusal>]) -> Bytes {
    let mut out = br#"{"results":["#.to_vec();
    for (index, result) in results.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match result {
            Ok(reply) => out.extend_from_slice(reply),
            // Plain data with string keys always serialises.
            Err(fault) => out.extend(serde_json::to_vec(fault).unwrap_or_default()),
        }
    }
    out.extend_from_slice(b"]}");
    out.into()
}

pub(super) fn json(body: Bytes) -> Response {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body,
    )
        .into_response()
}
