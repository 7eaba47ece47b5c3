//! Requests at the edge: read from JSON, checked against the bounds, every refusal naming the field.

mod bounds;
mod explain;

use ceteris_contract::decide::{BATCH_MAX, BatchRequest, DecideRequest};
use ceteris_contract::error::Code;
use serde_json::Value as Json;

use crate::refusal::{Refusal, refuse};

pub use bounds::check;

/// Reads one decide request.
///
/// # Errors
/// `malformed_json`, `invalid_field`.
pub fn read(body: &[u8]) -> Result<DecideRequest, Refusal> {
    // The straight way first: only a refused body pays for finding out which field it was.
    serde_json::from_slice(body).map_err(|error| {
        serde_json::from_slice::<Json>(body).map_or_else(
            |error| malformed(&error),
            |json| explain::decide(&json, "", &error.to_string()),
        )
    })
}

/// Reads a batch. A request in it that is at fault spoils only itself.
///
/// # Errors
/// `malformed_json`, `invalid_field` or `unprocessable_field` where the batch as a whole is at fault.
pub fn read_batch(body: &[u8]) -> Result<Vec<Result<DecideRequest, Refusal>>, Refusal> {
    let requests: Vec<Result<DecideRequest, Refusal>> = match serde_json::from_slice::<BatchRequest>(body) {
        Ok(batch) => batch.requests.into_iter().map(Ok).collect(),
        Err(_) => {
            let json: Json = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
            let items = explain::requests(&json)?;
            let read = |(index, item): (usize, &Json)| {
                let prefix = format!("requests[{index}].");
                serde_json::from_value(item.clone())
                    .map_err(|error| explain::decide(item, &prefix, &error.to_string()))
            };
            items.iter().take(BATCH_MAX + 1).enumerate().map(read).collect()
        }
    };
    if requests.is_empty() || requests.len() > BATCH_MAX {
        let detail = format!("a batch has 1 to {BATCH_MAX} requests");
        return Err(refuse(Code::UnprocessableField, Some("requests"), detail));
    }
    Ok(requests)
}

fn malformed(error: &serde_json::Error) -> Refusal {
    refuse(
        Code::MalformedJson,
        None,
        format!("{error}; send one JSON object"),
    )
}
