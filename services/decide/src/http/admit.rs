//! Who is let in: the API key's scope, and room for one more request.

use axum::http::{HeaderMap, header};
use ceteris_contract::error::Code;
use tokio::sync::SemaphorePermit;

use super::ApiError;
use crate::app::App;
use crate::keys::{Denied, Scope};

/// The caller's name.
///
/// # Errors
/// 401 or 403.
pub(super) fn caller<'a>(app: &'a App, headers: &HeaderMap, scope: Scope) -> Result<&'a str, ApiError> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    app.config
        .keys
        .admit(authorization, scope)
        .map_err(|denied| match denied {
            Denied::Unauthorized => ApiError::field(
                Code::Unauthorized,
                "Authorization",
                "send Authorization: Bearer with an API key of this service",
            ),
            Denied::Forbidden => ApiError::field(
                Code::Forbidden,
                "Authorization",
                format!("this API key lacks the scope {}", scope.as_str()),
            ),
        })
}

/// Room for one request, held until it is answered.
///
/// # Errors
/// 503 where there is none: shedding at once keeps the latency of those let in.
pub(super) fn permit(app: &App) -> Result<SemaphorePermit<'_>, ApiError> {
    app.permits.try_acquire().map_err(|_| {
        let detail = format!("{} requests are in progress; try again", app.config.requests_max);
        ApiError::new(Code::Overloaded, detail)
    })
}
