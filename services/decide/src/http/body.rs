//! Reads a JSON body within its bounds of size and time.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use ceteris_contract::error::Code;

use super::ApiError;
use crate::app::App;

/// The body, whole.
///
/// # Errors
/// 415 for another media type, 413 for too many bytes, 408 for too slow a sender, 400 for a broken transfer.
pub(super) async fn read(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    if !is_json(headers) {
        let detail = "send the body with Content-Type: application/json";
        return Err(ApiError::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            detail,
        ));
    }
    let too_large = || {
        ApiError::new(
            Code::PayloadTooLarge,
            format!("the body may have {bytes_max} bytes"),
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(app.config.body_timeout, to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::new(Code::MalformedJson, "the body broke off")),
        Err(_) => {
            let seconds = app.config.body_timeout.as_secs_f64();
            Err(ApiError::new(
                Code::RequestTimeout,
                format!("the body did not arrive within {seconds} s"),
            ))
        }
    }
}

/// `application/json` or another `+json` type, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // The limit's own type lies in a crate that axum does not re-export.
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
