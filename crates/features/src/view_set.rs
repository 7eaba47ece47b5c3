//! Views compiled: which event types feed which views, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ceteris_contract::duration::Span;
use ceteris_contract::identity::hex;
use ceteris_contract::problem::{Aggregate, Problem, View, ViewKind, ViewSource};
use ceteris_contract::time::DAY_US;
use ceteris_contract::value::Value;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::codec::STATE_VERSION;
use crate::error::CompileError;
use crate::input::Reading;
use crate::state::ViewValue;
use crate::window::Window;

/// Bounds of a unit's state. They are part of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// A vector is exact for every instant up to this long before the unit's newest event: wider than any clock skew
    /// or lag of a reader behind its events, narrow enough that few events are kept one by one.
    pub exact_span: Span,
    /// Most event ids kept, and most events kept one by one in each view. A unit that has more in `exact_span` is
    /// exact over as much less. A repeat of an event older than the newest this many counts again.
    pub recent_events_max: usize,
    /// Most distinct values counted; this many means "or more".
    pub distinct_max: usize,
}

impl Default for Limits {
    /// One hour, 1 024 events, 4 096 values.
    fn default() -> Self {
        Limits {
            exact_span: Span::minutes(60),
            recent_events_max: 1024,
            distinct_max: 4096,
        }
    }
}

/// Names what a stored state means: the first 64 bits of a SHA-256 over the views as far as states depend on them
/// (names, event types, properties, aggregates, windows, buckets; not roles, defaults or TTLs), the limits and the
/// layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaHash(pub [u8; 8]);

impl fmt::Display for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The views of a problem that are known before the decision, compiled.
#[derive(Clone, Debug)]
pub struct ViewSet {
    pub(crate) plans: Vec<Plan>,
    pub(crate) limits: Limits,
    /// By event type. A problem reads few types: looking through them beats a tree.
    readers: Vec<(String, Vec<usize>)>,
    schema: SchemaHash,
    reach_us: i64,
    ttl_us: i64,
}

/// One view compiled.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) reading: Reading,
    pub(crate) window: Window,
    pub(crate) default: Value,
}

/// What of a view its states depend on.
#[derive(Serialize)]
struct Shape<'a> {
    name: &'a str,
    kind: ViewKind,
    aggregate: Aggregate,
    event: &'a str,
    property: &'a Option<String>,
    window: Span,
    bucket: Span,
}

impl ViewSet {
    /// Compiles [`Problem::decision_views`] with the default [`Limits`].
    ///
    /// # Errors
    /// [`CompileError`] where a view is not read from events, or its aggregate lacks a property or is of another kind.
    pub fn compile(problem: &Problem) -> Result<Self, CompileError> {
        ViewSet::with_limits(problem, Limits::default())
    }

    /// As [`compile`](Self::compile), with other bounds (of at least one event and one value).
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn with_limits(problem: &Problem, limits: Limits) -> Result<Self, CompileError> {
        let limits = Limits {
            recent_events_max: limits.recent_events_max.max(1),
            distinct_max: limits.distinct_max.max(1),
            ..limits
        };
        let mut plans = Vec::new();
        let mut shapes = Vec::new();
        let mut readers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut ttl_us = 0;
        for view in problem.decision_views() {
            let ViewSource::Events {
                aggregate,
                event,
                property,
                window,
                bucket,
                ttl,
            } = &view.from
            else {
                return Err(CompileError::NotFromEvents {
                    name: view.name.clone(),
                });
            };
            readers.entry(event.clone()).or_default().push(plans.len());
            ttl_us = ttl_us.max(ttl.0);
            plans.push(Plan {
                name: Arc::from(view.name.as_str()),
                reading: reading(view, *aggregate, property.as_deref())?,
                window: Window::new(*window, *bucket),
                default: view.default.clone(),
            });
            shapes.push(Shape {
                name: &view.name,
                kind: view.kind,
                aggregate: *aggregate,
                event,
                property,
                window: *window,
                bucket: *bucket,
            });
        }
        let reach_us = plans.iter().map(|plan| plan.window.reach_us()).max().unwrap_or(1);
        let schema = schema_of(&shapes, &limits);
        Ok(ViewSet {
            plans,
            limits,
            readers: readers.into_iter().collect(),
            schema,
            reach_us,
            ttl_us,
        })
    }

    /// Number of views.
    pub fn len(&self) -> usize {
        self.plans.len()
    }

    /// True without views.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// Names in the order of the vector.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().map(|plan| &*plan.name)
    }

    /// Name of the view at `index` of the vector.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.plans.get(index).map(|plan| &*plan.name)
    }

    /// Whether any view reads events of this type.
    pub fn reads(&self, event_type: &str) -> bool {
        self.readers_of(event_type).is_some()
    }

    /// The event types that are read, in order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.readers.iter().map(|(event_type, _)| event_type.as_str())
    }

    /// Names what stored states of these views mean.
    pub fn schema(&self) -> SchemaHash {
        self.schema
    }

    /// The vector of a unit without events.
    pub fn defaults(&self) -> Vec<ViewValue> {
        self.plans
            .iter()
            .map(|plan| ViewValue::missing(&plan.default))
            .collect()
    }

    pub(crate) fn readers_of(&self, event_type: &str) -> Option<&[usize]> {
        self.readers
            .iter()
            .find(|(known, _)| known == event_type)
            .map(|(_, views)| views.as_slice())
    }

    /// Events before this count nowhere from `horizon` on. By whole days, so that the memory of ids is swept once a day.
    pub(crate) fn forgotten_before(&self, horizon: i64) -> i64 {
        horizon
            .saturating_sub(horizon.rem_euclid(DAY_US))
            .saturating_sub(self.reach_us)
    }

    pub(crate) fn ttl_us(&self) -> i64 {
        self.ttl_us
    }
}

/// How a view or outcome reads its events.
pub(crate) fn reading(
    view: &View,
    aggregate: Aggregate,
    property: Option<&str>,
) -> Result<Reading, CompileError> {
    if view.kind == ViewKind::Categorical && aggregate != Aggregate::Last {
        return Err(CompileError::KindMismatch {
            name: view.name.clone(),
        });
    }
    reading_of(&view.name, view.kind, aggregate, property)
}

pub(crate) fn reading_of(
    name: &str,
    kind: ViewKind,
    aggregate: Aggregate,
    property: Option<&str>,
) -> Result<Reading, CompileError> {
    let needs_none = matches!(
        aggregate,
        Aggregate::Count | Aggregate::Any | Aggregate::DaysSince
    );
    match property {
        None | Some("") if !needs_none => Err(CompileError::PropertyMissing {
            name: name.to_owned(),
        }),
        property => Ok(Reading {
            aggregate,
            kind,
            property: property.unwrap_or_default().to_owned(),
        }),
    }
}

fn schema_of(shapes: &[Shape<'_>], limits: &Limits) -> SchemaHash {
    // Plain data with string keys always serialises.
    let json = serde_json::to_vec(&(STATE_VERSION, shapes, limits)).expect("plain data serialises");
    let digest = Sha256::digest(&json);
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    SchemaHash(first)
}
