//! A feature value as it stands in a context, an event property or a decision record.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// number | string | bool | null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
