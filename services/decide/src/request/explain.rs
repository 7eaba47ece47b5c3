//! Which field of a refused body is at fault. Serde's own message names no path through flattened parameters.

use ceteris_contract::error::Code;
use ceteris_contract::time::Timestamp;
use serde_json::{Map, Value as Json};

use crate::refusal::{Refusal, refuse};

/// The fault of a decide request that serde refused with `message`; `prefix` is the path of the request, with its dot.
pub(super) fn decide(json: &Json, prefix: &str, message: &str) -> Refusal {
    let found = match json {
        Json::Object(fields) => decide_fields(fields, prefix),
        other => {
            let path = prefix.strip_suffix('.').unwrap_or(prefix);
            Err(invalid(
                (!path.is_empty()).then_some(path),
                format!("a decide request is an object, not {}", kind(other)),
            ))
        }
    };
    // What the walk below does not see, such as a field given twice, serde describes well enough.
    found.err().unwrap_or_else(|| invalid(None, message.to_owned()))
}

/// The requests of a batch.
pub(super) fn requests(json: &Json) -> Result<&[Json], Refusal> {
    match json {
        Json::Object(fields) => match fields.get("requests") {
            Some(Json::Array(items)) => Ok(items),
            Some(other) => Err(invalid(
                Some("requests"),
                format!("must be an array, not {}", kind(other)),
            )),
            None => Err(invalid(
                Some("requests"),
                "is missing; it holds the decide requests".to_owned(),
            )),
        },
        other => Err(invalid(
            None,
            format!("a batch is an object with requests, not {}", kind(other)),
        )),
    }
}

fn decide_fields(fields: &Map<String, Json>, prefix: &str) -> Result<(), Refusal> {
    let path = |name: &str| format!("{prefix}{name}");
    text(fields, "user_id", &path("user_id"))?;
    match fields.get("context") {
        None => {}
        Some(Json::Object(context)) => scalars(context, &path("context"), &[])?,
        Some(other) => {
            let detail = format!("must be an object of feature values by name, not {}", kind(other));
            return Err(invalid(Some(&path("context")), detail));
        }
    }
    let list = path("available_treatments");
    match fields.get("available_treatments") {
        None => {
            return Err(invalid(
                Some(&list),
                "is missing; it lists the arms on offer".to_owned(),
            ));
        }
        Some(Json::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                candidate(item, &format!("{list}[{index}]"))?;
            }
        }
        Some(other) => {
            return Err(invalid(
                Some(&list),
                format!("must be an array, not {}", kind(other)),
            ));
        }
    }
    for name in ["version", "problem"] {
        match fields.get(name) {
            None | Some(Json::Null | Json::String(_)) => {}
            Some(other) => {
                return Err(invalid(
                    Some(&path(name)),
                    format!("must be a string, not {}", kind(other)),
                ));
            }
        }
    }
    match fields.get("at") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::String(text)) if Timestamp::parse(text).is_some() => Ok(()),
        Some(_) => {
            let detail = "must be an instant in RFC 3339, for example 2026-01-31T10:00:00Z, from 1970 on";
            Err(invalid(Some(&path("at")), detail.to_owned()))
        }
    }
}

fn candidate(item: &Json, path: &str) -> Result<(), Refusal> {
    let Json::Object(fields) = item else {
        let detail = format!("must be an object with treatment_id and type, not {}", kind(item));
        return Err(invalid(Some(path), detail));
    };
    text(fields, "treatment_id", &format!("{path}.treatment_id"))?;
    text(fields, "type", &format!("{path}.type"))?;
    scalars(fields, path, &["treatment_id", "type"])
}

fn text(fields: &Map<String, Json>, name: &str, path: &str) -> Result<(), Refusal> {
    match fields.get(name) {
        Some(Json::String(_)) => Ok(()),
        Some(other) => Err(invalid(
            Some(path),
            format!("must be a string, not {}", kind(other)),
        )),
        None => Err(invalid(Some(path), "is missing; give a string".to_owned())),
    }
}

fn scalars(fields: &Map<String, Json>, path: &str, except: &[&str]) -> Result<(), Refusal> {
    for (name, value) in fields {
        if (value.is_array() || value.is_object()) && !except.contains(&name.as_str()) {
            let detail = format!("must be a number, string, bool or null, not {}", kind(value));
            return Err(invalid(Some(&format!("{path}.{name}")), detail));
        }
    }
    Ok(())
}

fn invalid(field: Option<&str>, detail: String) -> Refusal {
    let detail = match field {
        Some(field) => format!("{field} {detail}"),
        None => detail,
    };
    refuse(Code::InvalidField, field, detail)
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}
