//! Bounds on what a well-typed request holds.

use std::collections::BTreeSet;

use ceteris_contract::decide::{CANDIDATES_MAX, CONTEXT_MAX, DecideRequest};
use ceteris_contract::error::Code;
use ceteris_contract::event::ID_BYTES_MAX;
use ceteris_contract::record::NONE_ARM;
use ceteris_contract::value::Value;

use crate::refusal::{Refusal, refuse};

/// Longest string value of a context or a parameter, in bytes: categories are short.
const TEXT_BYTES_MAX: usize = 1024;

/// Checks everything that does not depend on the problem.
///
/// # Errors
/// `unprocessable_field` naming the first field out of bounds.
pub fn check(request: &DecideRequest) -> Result<(), Refusal> {
    name("user_id", &request.user_id)?;
    for (field, text) in [("version", &request.version), ("problem", &request.problem)] {
        if let Some(text) = text {
            name(field, text)?;
        }
    }
    if request.context.len() > CONTEXT_MAX {
        return Err(unprocessable(
            "context",
            format!("has {} entries; at most {CONTEXT_MAX}", request.context.len()),
        ));
    }
    for (key, value) in &request.context {
        // The name itself may be what is too long, so only its beginning is repeated.
        let field = format!("context.{}", key.chars().take(64).collect::<String>());
        if key.is_empty() || key.len() > ID_BYTES_MAX {
            return Err(unprocessable(
                &field,
                format!("a feature's name has 1 to {ID_BYTES_MAX} bytes"),
            ));
        }
        short(&field, value)?;
    }
    candidates(request)
}

fn candidates(request: &DecideRequest) -> Result<(), Refusal> {
    let list = "available_treatments";
    let candidates = &request.available_treatments;
    if candidates.is_empty() {
        return Err(unprocessable(
            list,
            "is empty; offer at least one treatment".to_owned(),
        ));
    }
    if candidates.len() > CANDIDATES_MAX {
        return Err(unprocessable(
            list,
            format!("has {} entries; at most {CANDIDATES_MAX}", candidates.len()),
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let id_field = || format!("{list}[{index}].treatment_id");
        if let Err(fault) = length(&candidate.treatment_id) {
            return Err(unprocessable(&id_field(), fault));
        }
        if candidate.treatment_id == NONE_ARM {
            let detail = format!("`{NONE_ARM}` is not intervening, which is always an arm; leave it out");
            return Err(unprocessable(&id_field(), detail));
        }
        if !seen.insert(candidate.treatment_id.as_str()) {
            return Err(unprocessable(
                &id_field(),
                format!("`{}` is offered twice", candidate.treatment_id),
            ));
        }
        if let Err(fault) = length(&candidate.kind) {
            return Err(unprocessable(&format!("{list}[{index}].type"), fault));
        }
        if candidate.parameters.len() > CONTEXT_MAX {
            return Err(unprocessable(
                &format!("{list}[{index}]"),
                format!("has more than {CONTEXT_MAX} parameters"),
            ));
        }
        for (key, value) in &candidate.parameters {
            let field = || format!("{list}[{index}].{}", key.chars().take(64).collect::<String>());
            if key.len() > ID_BYTES_MAX {
                return Err(unprocessable(
                    &field(),
                    format!("a parameter's name has at most {ID_BYTES_MAX} bytes"),
                ));
            }
            if matches!(value, Value::Text(text) if text.len() > TEXT_BYTES_MAX) {
                return Err(unprocessable(
                    &field(),
                    format!("has more than {TEXT_BYTES_MAX} bytes"),
                ));
            }
        }
    }
    Ok(())
}

fn name(field: &str, text: &str) -> Result<(), Refusal> {
    length(text).map_err(|fault| unprocessable(field, fault))
}

fn length(text: &str) -> Result<(), String> {
    match text.len() {
        0 => Err("is empty; give it a value".to_owned()),
        bytes if bytes > ID_BYTES_MAX => Err(format!("has {bytes} bytes; at most {ID_BYTES_MAX}")),
        _ => Ok(()),
    }
}

fn short(field: &str, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Text(text) if text.len() > TEXT_BYTES_MAX => Err(unprocessable(
            field,
            format!("has {} bytes; at most {TEXT_BYTES_MAX}", text.len()),
        )),
        _ => Ok(()),
    }
}

fn unprocessable(field: &str, fault: String) -> Refusal {
    refuse(Code::UnprocessableField, Some(field), format!("{field} {fault}"))
}
