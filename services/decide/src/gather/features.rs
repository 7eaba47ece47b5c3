//! A decision's features: what the store holds, what the request's context overrides and adds, what is missing.

use std::collections::BTreeMap;

use ceteris_contract::error::Code;
use ceteris_contract::problem::{Problem, View, ViewKind};
use ceteris_contract::record::{Feature, Origin};
use ceteris_contract::value::Value;

use crate::refusal::{Refusal, refuse};

/// What the feature store answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// Values of the unit, in the order of the problem's decision views; `None` where a view has seen no event.
    Found(Vec<Option<Value>>),
    /// The unit is new, or the problem's units have no stored features: defaults are the truth.
    Absent,
    /// It could not be asked, timed out, or is too old to be believed.
    Unknown,
}

/// True where the context gives every decision view, so that the store need not be asked.
pub fn context_suffices(problem: &Problem, context: &BTreeMap<String, Value>) -> bool {
    problem
        .decision_views()
        .all(|view| context.get(&view.name).is_some_and(|v| !v.is_null()))
}

/// Merges context over stored values: the decision views in the problem's order, then what no view names.
///
/// A null in the context is the same as leaving the name out. A view that could not be had keeps origin `Unknown`: with
/// its default as value where it is optional, else with null.
///
/// # Errors
/// A context value of the wrong type for its view, naming it.
pub fn merge(
    problem: &Problem,
    mut context: BTreeMap<String, Value>,
    stored: Stored,
) -> Result<Vec<Feature>, Refusal> {
    let mut found = match stored {
        Stored::Found(values) => Lookup::Found(values.into_iter()),
        Stored::Absent => Lookup::Absent,
        Stored::Unknown => Lookup::Unknown,
    };
    let mut features = Vec::with_capacity(problem.features.len() + context.len());
    for view in problem.decision_views() {
        let held = found.next();
        let (value, origin) = match context.remove(&view.name).filter(|value| !value.is_null()) {
            Some(value) => (checked(view, value)?, Origin::Context),
            None => without_context(view, held),
        };
        features.push(Feature {
            name: view.name.clone(),
            value,
            origin,
        });
    }
    features.extend(context.into_iter().map(|(name, value)| Feature {
        name,
        value,
        origin: Origin::Context,
    }));
    Ok(features)
}

enum Lookup {
    Found(std::vec::IntoIter<Option<Value>>),
    Absent,
    Unknown,
}

enum Held {
    Value(Value),
    Nothing,
    Unknown,
}

impl Lookup {
    fn next(&mut self) -> Held {
        match self {
            // A vector that is too short is a fault of the store's schema; nothing is known then.
            Lookup::Found(values) => match values.next() {
                Some(Some(value)) if !value.is_null() => Held::Value(value),
                Some(_) => Held::Nothing,
                None => Held::Unknown,
            },
            Lookup::Absent => Held::Nothing,
            Lookup::Unknown => Held::Unknown,
        }
    }
}

fn without_context(view: &View, held: Held) -> (Value, Origin) {
    match held {
        Held::Value(value) => (value, Origin::Stored),
        Held::Nothing if !view.default.is_null() => (view.default.clone(), Origin::Default),
        Held::Nothing => (Value::Null, Origin::Unknown),
        Held::Unknown if view.optional => (view.default.clone(), Origin::Unknown),
        Held::Unknown => (Value::Null, Origin::Unknown),
    }
}

fn checked(view: &View, value: Value) -> Result<Value, Refusal> {
    let wrong = match (view.kind, &value) {
        (ViewKind::Numeric, Value::Text(_)) => "is a number, not a string",
        (_, Value::Number(number)) if !number.is_finite() => "must be finite",
        _ => return Ok(value),
    };
    let field = format!("context.{}", view.name);
    Err(refuse(
        Code::InvalidField,
        Some(&field),
        format!("feature {} {wrong}", view.name),
    ))
}
