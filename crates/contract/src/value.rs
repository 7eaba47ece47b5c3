//! A feature value as it stands in a context, an event property or a decision record.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// number | string | bool | null.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Value {
    /// Missing.
    Null,
    /// true or false; as a number 1 or 0.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// A category.
    Text(String),
}

impl Value {
    /// The number this is, booleans as 1 and 0; `None` for text and null.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Value::Null | Value::Text(_) => None,
        }
    }

    /// The category this is: text as it stands, booleans as `true`/`false`, numbers in their shortest form.
    pub fn as_category(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null => None,
        }
    }

    /// The scalar of a JSON value; objects and arrays are none of ours.
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::Null => Some(Value::Null),
            serde_json::Value::Bool(flag) => Some(Value::Bool(*flag)),
            serde_json::Value::Number(number) => number.as_f64().filter(|x| x.is_finite()).map(Value::Number),
            serde_json::Value::String(text) => Some(Value::Text(text.clone())),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// By hand: the derived form of an untagged enum copies the value, then makes an error for each variant it tries, and a
/// decide request holds dozens of them.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, string, bool or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_read_as_they_are_written_and_nothing_else_does() {
        let long = i64::MAX.to_string();
        for (text, value) in [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("3", Value::Number(3.0)),
            ("-3", Value::Number(-3.0)),
            ("0.1", Value::Number(0.1)),
            (long.as_str(), Value::Number(i64::MAX as f64)),
            ("\"a\\n\u{e9}\"", Value::Text("a\n\u{e9}".into())),
        ] {
            let read: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read, value, "{text}");
            let again: Value = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            assert_eq!(again, value);
        }
        for text in ["[1]", "{}", "1e999", ""] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }
}
