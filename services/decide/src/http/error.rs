//! Every error body: RFC 9457 `application/problem+json`, and `Retry-After` where trying again later may help.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ceteris_contract::error::{Code, PROBLEM_JSON};

use crate::refusal::{Refusal, refuse};

/// Seconds after which a shed request may be tried again: a burst is over by then.
const RETRY_OVERLOADED: HeaderValue = HeaderValue::from_static("1");
/// Seconds after which a full journal may have room: its forwarder retries within them.
const RETRY_JOURNAL_FULL: HeaderValue = HeaderValue::from_static("5");

/// A problem on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError(pub Refusal);

impl ApiError {
    /// A problem with this code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        ApiError(refuse(code, None, detail))
    }

    /// A problem with this code and the field at fault.
    pub fn field(code: Code, field: &str, detail: impl Into<String>) -> Self {
        ApiError(refuse(code, Some(field), detail))
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        ApiError(refusal)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Plain data with string keys always serialises.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.0.code == Code::JournalFull.parts().0 {
            headers.insert(header::RETRY_AFTER, RETRY_JOURNAL_FULL);
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_OVERLOADED);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Answers paths that do not exist.
pub async fn not_found(uri: axum::http::Uri) -> ApiError {
    ApiError::new(
        Code::NotFound,
        format!("there is no {}; /openapi.json lists the paths", uri.path()),
    )
}

/// Answers methods that a path does not take; axum adds `Allow`.
pub async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        format!("{} does not take {method}", uri.path()),
    )
}
