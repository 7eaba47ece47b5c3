//! What is measured after the decision: outcomes and mediators, over exactly `t < ts <= t + window`.

use ceteris_contract::duration::Span;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::problem::{Aggregate, NodeRole, OutcomeSource, Problem, ViewKind, ViewSource};
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;

use crate::error::CompileError;
use crate::fixed::from_fixed;
use crate::input::{Input, Reading};
use crate::view_set::{reading, reading_of};

/// Outcomes, then mediator views, in file order.
#[derive(Clone, Debug)]
pub struct AfterSet {
    plans: Vec<AfterPlan>,
}

#[derive(Clone, Debug)]
struct AfterPlan {
    column: String,
    kind: ViewKind,
    event: String,
    reading: Reading,
    window: Span,
    default: Value,
}

impl AfterSet {
    /// Compiles the problem's outcomes and mediator views.
    ///
    /// # Errors
    /// [`CompileError`] where one is not read from events, lacks a property, or looks back.
    pub fn compile(problem: &Problem) -> Result<Self, CompileError> {
        let mut plans = Vec::new();
        for outcome in &problem.outcomes {
            let name = &outcome.name;
            let OutcomeSource::Events {
                aggregate,
                event,
                property,
                window,
            } = &outcome.from
            else {
                return Err(CompileError::NotFromEvents { name: name.clone() });
            };
            plans.push(AfterPlan {
                column: outcome.column(),
                kind: ViewKind::Numeric,
                event: event.clone(),
                reading: reading_of(
                    name,
                    ViewKind::Numeric,
                    forward(name, *aggregate)?,
                    property.as_deref(),
                )?,
                window: *window,
                default: Value::Number(0.0),
            });
        }
        for view in problem
            .features
            .iter()
            .filter(|view| view.role == NodeRole::Mediator)
        {
            let ViewSource::Events {
                aggregate,
                event,
                property,
                window,
                ..
            } = &view.from
            else {
                return Err(CompileError::NotFromEvents {
                    name: view.name.clone(),
                });
            };
            plans.push(AfterPlan {
                column: view.column(),
                kind: view.kind,
                event: event.clone(),
                reading: reading(view, forward(&view.name, *aggregate)?, property.as_deref())?,
                window: *window,
                default: view.default.clone(),
            });
        }
        Ok(AfterSet { plans })
    }

    /// Dataset columns with their kinds, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, ViewKind)> {
        self.plans.iter().map(|plan| (plan.column.as_str(), plan.kind))
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.plans.len()
    }

    /// True without columns.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// The longest window: nothing is known of an instant until this long after it.
    pub fn window_max(&self) -> Span {
        self.plans
            .iter()
            .map(|plan| plan.window)
            .max()
            .unwrap_or_default()
    }

    /// The event types that are read, in column order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().map(|plan| plan.event.as_str())
    }

    /// Whether events of this type are read.
    pub fn reads(&self, event_type: &str) -> bool {
        self.plans.iter().any(|plan| plan.event == event_type)
    }

    /// Reads the events of one unit, without repeats and sorted by (ts, event_id). An event that lacks the property
    /// is passed over.
    pub fn collect<'a>(&self, events: impl IntoIterator<Item = &'a StoredEvent>) -> AfterUnit {
        let mut taken = vec![Vec::new(); self.plans.len()];
        for event in events {
            for (plan, taken) in self.plans.iter().zip(&mut taken) {
                if plan.event == event.event_type
                    && let Ok(input) = plan.reading.read(event)
                {
                    taken.push((event.ts.0, input));
                }
            }
        }
        AfterUnit { taken }
    }

    /// The values of every column for an opportunity at `t`.
    pub fn values(&self, unit: &AfterUnit, t: Timestamp) -> Vec<Value> {
        self.plans
            .iter()
            .zip(&unit.taken)
            .map(|(plan, taken)| {
                let from = taken.partition_point(|(ts, _)| *ts <= t.0);
                let to = taken.partition_point(|(ts, _)| *ts <= t.plus(plan.window).0);
                plan.value(&taken[from..to.max(from)])
            })
            .collect()
    }
}

/// What the windows after a decision read of one unit's events.
#[derive(Clone, Debug)]
pub struct AfterUnit {
    taken: Vec<Vec<(i64, Input)>>,
}

impl AfterPlan {
    fn value(&self, taken: &[(i64, Input)]) -> Value {
        let Some((_, newest)) = taken.last() else {
            return self.default.clone();
        };
        let sum = || -> i128 {
            taken
                .iter()
                .map(|(_, input)| {
                    if let Input::Fixed(value) = input {
                        i128::from(*value)
                    } else {
                        0
                    }
                })
                .sum()
        };
        match self.reading.aggregate {
            Aggregate::Any => Value::Number(1.0),
            Aggregate::Count => Value::Number(taken.len() as f64),
            Aggregate::Sum => Value::Number(from_fixed(sum())),
            Aggregate::Avg => Value::Number(from_fixed(sum()) / taken.len() as f64),
            Aggregate::CountDistinct => Value::Number(distinct(taken) as f64),
            Aggregate::Last | Aggregate::DaysSince => match newest {
                Input::Value(value) => value.clone(),
                _ => self.default.clone(),
            },
        }
    }
}

fn distinct(taken: &[(i64, Input)]) -> usize {
    let mut hashes: Vec<u64> = taken
        .iter()
        .filter_map(|(_, input)| {
            if let Input::Hash(hash) = input {
                Some(*hash)
            } else {
                None
            }
        })
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.len()
}

fn forward(name: &str, aggregate: Aggregate) -> Result<Aggregate, CompileError> {
    if aggregate == Aggregate::DaysSince {
        return Err(CompileError::LooksBack {
            name: name.to_owned(),
        });
    }
    Ok(aggregate)
}
