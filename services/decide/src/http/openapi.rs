//! `/openapi.json`, from the handlers' own annotations.

use axum::body::Bytes;
use axum::response::Response;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{decide, graphql, health, models};

#[derive(OpenApi)]
#[openapi(
    info(title = "Ceteris decision API", description = "Which treatment changes the outcome, by how much, how sure."),
    paths(decide::one, decide::batch, models::list, graphql::documented, health::health, health::livez, health::readyz),
    modifiers(&BearerKey),
    security((), ("api_key" = [])),
    tags(
        (name = "decide", description = "Decisions"),
        (name = "models", description = "What decides"),
        (name = "health", description = "Whether it can"),
    ),
)]
struct Api;

/// The API key, which a service without keys does not ask for.
struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("api_key", scheme);
    }
}

/// The OpenAPI document.
pub fn document() -> Document {
    Api::openapi()
}

pub(super) async fn serve() -> Response {
    // Plain data with string keys always serialises; made per request, for it is asked for rarely.
    let body = serde_json::to_vec(&document()).unwrap_or_default();
    decide::json(Bytes::from(body))
}
