//! The routes. Handlers translate between HTTP and [`App`]; nothing is decided here.

mod admit;
mod body;
mod decide;
mod error;
mod graphql;
mod health;
mod models;
mod openapi;
mod track;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use crate::app::App;

pub use error::ApiError;
pub use graphql::{GraphqlRequest, sdl};
pub use health::{HealthReply, JournalHealth, ProblemHealth};
pub use models::{EffectSummary, ModelSummary, ModelsReply, NotServedSummary, ServedEntry};
pub use openapi::document;

/// The decision API over a service.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/decide", post(decide::one))
        .route("/v1/decide/batch", post(decide::batch))
        .route("/v1/models", get(models::list))
        .route("/v1/graphql", graphql::route())
        .route("/health", get(health::health))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/openapi.json", get(openapi::serve))
        .method_not_allowed_fallback(error::method_not_allowed)
        .fallback(error::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), track::track))
        .with_state(app)
}
