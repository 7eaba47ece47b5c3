//! Product events: as producers send them, and as we store them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::identity::{IdentityKey, Unit};
use crate::time::Timestamp;

/// Version of the event payload that this build reads.
pub const EVENT_SCHEMA_VERSION: &str = "1";
/// Longest id we accept, in bytes.
pub const ID_BYTES_MAX: usize = 256;
/// Largest event payload we accept, in bytes.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// One record of `user_events`. Unknown fields are kept in `extra`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserEvent {
    /// Unique per event; repeats are the same event.
    pub event_id: String,
    /// Who it happened to; the record's key.
    pub user_id: String,
    /// What happened, for example `purchase`.
    pub event_type: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The session it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What is known about it.
    #[serde(default)]
    pub properties: Map<String, Json>,
    /// Fields this version does not know, kept as they came.
    #[serde(flatten)]
    pub extra: Map<String, Json>,
}

/// An event as the lake and the feature engine see it: no plain user id.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Unique per event.
    pub event_id: String,
    /// Whom it happened to.
    pub unit: Unit,
    /// What happened.
    pub event_type: String,
    /// When it happened.
    pub ts: Timestamp,
    /// When the log took it.
    pub arrived_at: Timestamp,
    /// The session it belongs to.
    pub session_id: Option<String>,
    /// What is known about it, unknown top-level fields included.
    pub properties: Map<String, Json>,
}

/// Why an event was refused: which field, what is wrong, how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}; {fix}")]
pub struct EventFault {
    /// Stable code, the dead letter's `ceteris_reason`.
    pub code: &'static str,
    /// The field at fault, `$` for the whole payload.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub fix: String,
}

impl EventFault {
    fn new(code: &'static str, field: &str, problem: impl Into<String>, fix: &str) -> Self {
        EventFault {
            code,
            field: field.to_owned(),
            problem: problem.into(),
            fix: fix.to_owned(),
        }
    }
}

impl UserEvent {
    /// Reads and checks one payload. The error names the field and the fix.
    pub fn parse(payload: &[u8]) -> Result<Self, EventFault> {
        if payload.len() > EVENT_BYTES_MAX {
            let problem = format!("the payload has {} bytes", payload.len());
            return Err(EventFault::new(
                "event_too_large",
                "$",
                problem,
                "send at most 262144 bytes an event",
            ));
        }
        match serde_json::from_slice::<UserEvent>(payload) {
            Ok(event) => event.checked(),
            Err(error) => Err(explain(payload, &error)),
        }
    }

    fn checked(self) -> Result<Self, EventFault> {
        for (field, text) in [
            ("event_id", &self.event_id),
            ("user_id", &self.user_id),
            ("event_type", &self.event_type),
        ] {
            if text.is_empty() {
                return Err(EventFault::new(
                    "event_field_empty",
                    field,
                    "is empty",
                    "give it a value",
                ));
            }
            if text.len() > ID_BYTES_MAX {
                let problem = format!("has {} bytes", text.len());
                return Err(EventFault::new(
                    "event_field_too_long",
                    field,
                    problem,
                    "use at most 256 bytes",
                ));
            }
        }
        Ok(self)
    }

    /// The stored form: the user id replaced by its unit, unknown fields moved into the properties where the names
    /// do not clash.
    pub fn into_stored(self, identity: &IdentityKey, arrived_at: Timestamp) -> StoredEvent {
        let unit = identity.unit(&self.user_id);
        let mut properties = self.properties;
        for (name, value) in self.extra {
            properties.entry(name).or_insert(value);
        }
        StoredEvent {
            event_id: self.event_id,
            unit,
            event_type: self.event_type,
            ts: self.timestamp,
            arrived_at,
            session_id: self.session_id,
            properties,
        }
    }
}

/// Finds which field made serde refuse the payload, by looking at them one by one.
fn explain(payload: &[u8], error: &serde_json::Error) -> EventFault {
    let object = match serde_json::from_slice::<Json>(payload) {
        Ok(Json::Object(object)) => object,
        Ok(_) => {
            return EventFault::new(
                "event_not_an_object",
                "$",
                "is not a JSON object",
                "send one JSON object",
            );
        }
        Err(error) => {
            return EventFault::new("event_not_json", "$", error.to_string(), "send one JSON object");
        }
    };
    for field in ["event_id", "user_id", "event_type"] {
        match object.get(field) {
            Some(Json::String(_)) => {}
            Some(_) => return EventFault::new("event_field_type", field, "is not a string", "send a string"),
            None => return EventFault::new("event_field_missing", field, "is missing", "send a string"),
        }
    }
    match object.get("timestamp") {
        Some(Json::String(text)) if Timestamp::parse(text).is_some() => {}
        Some(_) => {
            let fix = "send RFC 3339, for example 2026-01-31T10:00:00Z, from 1970 on";
            return EventFault::new("event_timestamp", "timestamp", "is not an instant", fix);
        }
        None => return EventFault::new("event_field_missing", "timestamp", "is missing", "send RFC 3339"),
    }
    if object
        .get("session_id")
        .is_some_and(|x| !x.is_string() && !x.is_null())
    {
        return EventFault::new(
            "event_field_type",
            "session_id",
            "is not a string",
            "send a string or leave it out",
        );
    }
    if object.get("properties").is_some_and(|x| !x.is_object()) {
        return EventFault::new(
            "event_field_type",
            "properties",
            "is not an object",
            "send a JSON object",
        );
    }
    EventFault::new(
        "event_not_readable",
        "$",
        error.to_string(),
        "compare it with the event contract",
    )
}

/// The scalar at a dotted path of the properties (`basket.value`); `None` where it is missing.
pub fn property<'a>(properties: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    let mut parts = path.split('.');
    let mut found = properties.get(parts.next()?)?;
    for part in parts {
        found = found.as_object()?.get(part)?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(payload: &str) -> (String, &'static str) {
        let fault = UserEvent::parse(payload.as_bytes()).unwrap_err();
        (fault.field, fault.code)
    }

    #[test]
    fn every_malformed_event_names_its_field() {
        let cases = [
            ("{", "$", "event_not_json"),
            ("[1]", "$", "event_not_an_object"),
            (r#"{"user_id":"u"}"#, "event_id", "event_field_missing"),
            (
                r#"{"event_id":"e","user_id":7,"event_type":"x","timestamp":""}"#,
                "user_id",
                "event_field_type",
            ),
            (
                r#"{"event_id":"e","user_id":"u","event_type":"x"}"#,
                "timestamp",
                "event_field_missing",
            ),
            (
                r#"{"event_id":"e","user_id":"u","event_type":"x","timestamp":"noon"}"#,
                "timestamp",
                "event_timestamp",
            ),
            (
                r#"{"event_id":"","user_id":"u","event_type":"x","timestamp":"2026-01-01T00:00:00Z"}"#,
                "event_id",
                "event_field_empty",
            ),
            (
                r#"{"event_id":"e","user_id":"u","event_type":"x","timestamp":"2026-01-01T00:00:00Z","properties":[]}"#,
                "properties",
                "event_field_type",
            ),
        ];
        for (payload, field, code) in cases {
            assert_eq!(fault(payload), (field.to_owned(), code), "{payload}");
        }
    }

    #[test]
    fn unknown_fields_are_kept() {
        let payload = r#"{"event_id":"e","user_id":"u","event_type":"x","timestamp":"2026-01-01T00:00:00Z","tenant":"a"}"#;
        let event = UserEvent::parse(payload.as_bytes()).unwrap();
        let stored = event.into_stored(&IdentityKey::new([1; 32]), Timestamp(5));
        assert_eq!(property(&stored.properties, "tenant"), Some(&Json::from("a")));
    }

    #[test]
    fn dotted_paths_reach_into_objects() {
        let Json::Object(properties) = serde_json::json!({"basket": {"value": 3.5}}) else {
            unreachable!()
        };
        assert_eq!(property(&properties, "basket.value"), Some(&Json::from(3.5)));
        assert_eq!(property(&properties, "basket.size"), None);
    }
}
