//! What one view takes from one event.

use std::fmt;

use ceteris_contract::event::{StoredEvent, property};
use ceteris_contract::problem::{Aggregate, ViewKind};
use ceteris_contract::value::Value;

use crate::fixed::to_fixed;
use crate::hash::stable_hash;

/// Why a view did not take an event that is of its type. Stable codes by [`Refusal::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The property is missing or null.
    PropertyMissing,
    /// The property is of another type than the view needs.
    PropertyType,
    /// The number is beyond what sums can hold exactly.
    OutOfRange,
}

impl Refusal {
    /// The code for metrics.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::PropertyMissing => "property_missing",
            Refusal::PropertyType => "property_type",
            Refusal::OutOfRange => "out_of_range",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What a view keeps of an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// That it happened.
    Event,
    /// A number in millionths.
    Fixed(i64),
    /// A category's hash.
    Hash(u64),
    /// The value itself.
    Value(Value),
}

/// How to read an event for one aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) aggregate: Aggregate,
    pub(crate) kind: ViewKind,
    /// Empty for aggregates that read no property.
    pub(crate) property: String,
}

impl Reading {
    /// Reads `event`, which is of the right type.
    pub(crate) fn read(&self, event: &StoredEvent) -> Result<Input, Refusal> {
        match self.aggregate {
            Aggregate::Count | Aggregate::Any | Aggregate::DaysSince => Ok(Input::Event),
            Aggregate::Sum | Aggregate::Avg => {
                let number = self.scalar(event)?.as_number().ok_or(Refusal::PropertyType)?;
                to_fixed(number).map(Input::Fixed).ok_or(Refusal::OutOfRange)
            }
            Aggregate::CountDistinct => {
                let category = self.scalar(event)?.as_category().ok_or(Refusal::PropertyType)?;
                Ok(Input::Hash(stable_hash(category.as_bytes())))
            }
            Aggregate::Last => {
                let value = self.scalar(event)?;
                match self.kind {
                    ViewKind::Numeric => value.as_number().map(Value::Number),
                    ViewKind::Categorical => value.as_category().map(Value::Text),
                }
                .map(Input::Value)
                .ok_or(Refusal::PropertyType)
            }
        }
    }

    fn scalar(&self, event: &StoredEvent) -> Result<Value, Refusal> {
        let json = property(&event.properties, &self.property).ok_or(Refusal::PropertyMissing)?;
        match Value::from_json(json) {
            Some(Value::Null) => Err(Refusal::PropertyMissing),
            Some(value) => Ok(value),
            None => Err(Refusal::PropertyType),
        }
    }
}
