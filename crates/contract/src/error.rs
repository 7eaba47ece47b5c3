//! Errors on the wire: RFC 9457 `application/problem+json` with a stable code and the offending field.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// RFC 9457 problem details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind of problem: `urn:ceteris:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time, and the fix.
    pub detail: String,
    /// Stable, for programs.
    pub code: String,
    /// The offending field as a path (`available_treatments[0].type`); absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
}

/// Every code the API answers, with its status and title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// A field has a wrong type or is missing.
    InvalidField,
    /// A field's value is out of its range.
    UnprocessableField,
    /// `at` is not allowed here.
    DecisionInstantNotAllowed,
    /// No such problem.
    UnknownProblem,
    /// Several problems are served and none was named.
    AmbiguousProblem,
    /// No such model version.
    UnknownVersion,
    /// The body is larger than the limit.
    PayloadTooLarge,
    /// The content type is not JSON.
    UnsupportedMediaType,
    /// No API key was given, or one that is not known.
    Unauthorized,
    /// The API key lacks the scope.
    Forbidden,
    /// The body did not arrive in time.
    RequestTimeout,
    /// No such path.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The same idempotency key with another request.
    IdempotencyKeyReused,
    /// The decision journal is full; nothing was decided.
    JournalFull,
    /// More work than the bounds allow; nothing was decided.
    Overloaded,
    /// The service is draining.
    ShuttingDown,
    /// A fault of ours.
    Internal,
}

impl Code {
    /// Code, status and title.
    pub fn parts(self) -> (&'static str, u16, &'static str) {
        match self {
            Code::MalformedJson => ("malformed_json", 400, "The body is not JSON"),
            Code::InvalidField => ("invalid_field", 400, "A field is missing or has the wrong type"),
            Code::UnprocessableField => ("unprocessable_field", 422, "A field's value is not acceptable"),
            Code::DecisionInstantNotAllowed => (
                "at_not_allowed",
                422,
                "The decision instant cannot be chosen here",
            ),
            Code::UnknownProblem => ("unknown_problem", 422, "No such problem is served"),
            Code::AmbiguousProblem => ("ambiguous_problem", 422, "Several problems are served"),
            Code::UnknownVersion => ("unknown_version", 422, "No such model version is served"),
            Code::PayloadTooLarge => ("payload_too_large", 413, "The body is too large"),
            Code::UnsupportedMediaType => {
                ("unsupported_media_type", 415, "The body must be application/json")
            }
            Code::Unauthorized => ("unauthorized", 401, "An API key is needed"),
            Code::Forbidden => ("forbidden", 403, "The API key lacks the scope"),
            Code::RequestTimeout => ("request_timeout", 408, "The body did not arrive in time"),
            Code::NotFound => ("not_found", 404, "No such path"),
            Code::MethodNotAllowed => ("method_not_allowed", 405, "The path does not take this method"),
            Code::IdempotencyKeyReused => (
                "idempotency_key_reused",
                422,
                "The key was used for another request",
            ),
            Code::JournalFull => ("journal_full", 503, "Decisions cannot be logged now"),
            Code::Overloaded => ("overloaded", 503, "Too many requests at once"),
            Code::ShuttingDown => ("shutting_down", 503, "The service is draining"),
            Code::Internal => ("internal", 500, "The service failed"),
        }
    }

    /// The problem with this code.
    pub fn problem(self, field: Option<&str>, detail: impl Into<String>) -> Problem {
        let (code, status, title) = self.parts();
        Problem {
            kind: format!("urn:ceteris:problem:{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            field: field.map(str::to_owned),
        }
    }
}
