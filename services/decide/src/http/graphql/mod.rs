//! `POST /v1/graphql`: the causal graphs behind the decisions, read only. Its schema is snapshotted in the tests.

mod answer;
mod graph;
mod model;
mod node;
mod paths;
mod query;

use std::sync::Arc;

use async_graphql::{
    EmptyMutation, EmptySubscription, Error, ErrorExtensionValues, ErrorExtensions, Request, Schema,
    ServerError, Variables,
};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use ceteris_contract::error::{Code, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ApiError, admit, body, decide};
use crate::app::App;
use crate::keys::Scope;
use query::Query;

/// How deep a query may nest: deeper than every useful one, introspection among them.
const DEPTH_MAX: usize = 16;
/// What a query may cost: each field one, those that search as their schema says.
const COMPLEXITY_MAX: usize = 2_000;
/// Aliases and fragments make long queries cheap to write; this ends that.
const BODY_BYTES_MAX: usize = 64 << 10;

type GraphSchema = Schema<Query, EmptyMutation, EmptySubscription>;

/// A GraphQL request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GraphqlRequest {
    /// The query.
    pub query: String,
    /// Which operation of the query.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub variables: Option<serde_json::Value>,
    /// Passed over.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<serde_json::Value>,
}

fn schema() -> GraphSchema {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .limit_depth(DEPTH_MAX)
        .limit_complexity(COMPLEXITY_MAX)
        .finish()
}

/// The schema in GraphQL's own language.
#[must_use]
pub fn sdl() -> String {
    schema().sdl()
}

/// The route, with the schema it answers by.
pub(super) fn route() -> MethodRouter<Arc<App>> {
    let schema = schema();
    post(
        move |State(app): State<Arc<App>>, headers: HeaderMap, body: Body| {
            let schema = schema.clone();
            async move { answer(schema, app, headers, body).await }
        },
    )
}

/// Asks about causal graphs.
///
/// Each error of a reply has an `extensions.code`: `invalid_query` (it does not fit the schema), `too_deep`, `too_complex`,
/// `unknown_problem`, `unknown_version`, `unknown_node`, `unprocessable_query` (a question that contradicts itself or the
/// graph), `problem_refused` (the problem file of that version does not hold), `unavailable` (the registry cannot be
/// read), `internal`.
#[utoipa::path(
    post, path = "/v1/graphql", operation_id = "graphql", tag = "models",
    request_body = GraphqlRequest,
    responses(
        (status = 200, description = "GraphQL's data and errors", body = Object),
        (status = 400, description = "malformed_json, invalid_field", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "unauthorized", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "forbidden", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "payload_too_large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "unsupported_media_type", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "overloaded; Retry-After says when to try again", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[expect(
    dead_code,
    reason = "the description of the route; the route itself carries the schema"
)]
pub(super) fn documented() {}

async fn answer(
    schema: GraphSchema,
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    admit::caller(&app, &headers, Scope::Models)?;
    let bytes = body::read(&app, &headers, body, BODY_BYTES_MAX).await?;
    let _permit = admit::permit(&app)?;
    let asked = read(&bytes)?;
    let mut request = Request::new(asked.query).data(Arc::clone(&app));
    if let Some(name) = asked.operation_name {
        request = request.operation_name(name);
    }
    if let Some(variables) = asked.variables {
        request = request.variables(Variables::from_json(variables));
    }
    let mut reply = schema.execute(request).await;
    reply.errors.iter_mut().for_each(coded);
    let bytes = serde_json::to_vec(&reply).map_err(|error| {
        tracing::error!(%error, "a GraphQL reply does not serialise");
        ApiError::new(
            Code::Internal,
            "the reply cannot be written; the service logged why",
        )
    })?;
    Ok(decide::json(Bytes::from(bytes)))
}

/// An error of ours. Its `extensions.code` is stable and one of those that the description of the route lists.
fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// Gives the errors of the GraphQL layer itself a code too: it has none of its own.
fn coded(error: &mut ServerError) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_some() {
        return;
    }
    let code = match error.message.as_str() {
        "Query is too complex." => "too_complex",
        "Query is nested too deep." | "The recursion depth of the query cannot be greater than `32`" => {
            "too_deep"
        }
        _ if error.path.is_empty() => "invalid_query",
        _ => "internal",
    };
    extensions.set("code", code);
}

fn read(bytes: &[u8]) -> Result<GraphqlRequest, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ApiError::field(Code::InvalidField, "query", error.to_string()),
        _ => ApiError::new(Code::MalformedJson, error.to_string()),
    })
}
