//! A problem with a view of every aggregate, events for it, and the definition written out as an oracle.
#![allow(dead_code)]

use ceteris_contract::duration::Span;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::*;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use proptest::prelude::*;

pub fn view(name: &str, aggregate: Aggregate, event: &str, window: i64, bucket: i64) -> View {
    let property = match aggregate {
        Aggregate::Count | Aggregate::Any | Aggregate::DaysSince => None,
        Aggregate::CountDistinct | Aggregate::Last => Some("label".to_owned()),
        Aggregate::Sum | Aggregate::Avg => Some("basket.value".to_owned()),
    };
    let text = aggregate == Aggregate::Last;
    View {
        name: name.to_owned(),
        role: NodeRole::Confounder,
        kind: if text {
            ViewKind::Categorical
        } else {
            ViewKind::Numeric
        },
        from: ViewSource::Events {
            aggregate,
            event: event.to_owned(),
            property,
            window: Span(window),
            bucket: Span(bucket),
            ttl: Span(window),
        },
        default: if text {
            Value::from("none")
        } else {
            Value::Number(-7.0)
        },
        optional: false,
    }
}

pub fn problem(features: Vec<View>) -> Problem {
    Problem {
        name: "test".into(),
        description: String::new(),
        entity: "user_id".into(),
        source: Source::Events {
            opportunity_events: vec!["visit".into()],
            attribution: Span(5),
            lateness: Span(0),
            controls_per_treated: 1.0,
        },
        graph: GraphSpec::default(),
        features,
        treatments: Vec::new(),
        outcomes: Vec::new(),
        effect_basis: Vec::new(),
        policy: Policy {
            significance_level: 0.05,
            exploration: 0.0,
            holdout: 0.0,
            propensity_floor: 0.0,
            require_significance: false,
        },
        fallback: Vec::new(),
        gates: Gates {
            rows_per_arm_min: 0,
            propensity_clip: 0.01,
            clipped_share_max: 1.0,
            missing_share_max: 1.0,
        },
    }
}

/// A view of every aggregate over windows that are and are not multiples of their buckets.
pub fn every_aggregate() -> Problem {
    use Aggregate::*;
    let mut views = Vec::new();
    for (w, (window, bucket)) in [(30, 10), (25, 7), (12, 1), (60, 60)].into_iter().enumerate() {
        for (a, aggregate) in [Avg, Sum, Count, CountDistinct, Last, DaysSince, Any]
            .into_iter()
            .enumerate()
        {
            let event = if (w + a) % 2 == 0 { "buy" } else { "visit" };
            views.push(view(&format!("v{w}_{a}"), aggregate, event, window, bucket));
        }
    }
    problem(views)
}

/// One event as the oracle keeps it.
#[derive(Clone, Debug)]
pub struct Raw {
    pub id: String,
    pub kind: &'static str,
    pub ts: i64,
    pub arrived: i64,
    pub cents: Option<i64>,
    pub label: Option<&'static str>,
}

impl Raw {
    pub fn event(&self) -> StoredEvent {
        let mut properties = serde_json::Map::new();
        if let Some(cents) = self.cents {
            properties.insert(
                "basket".into(),
                serde_json::json!({"value": cents as f64 / 100.0}),
            );
        }
        if let Some(label) = self.label {
            properties.insert("label".into(), label.into());
        }
        StoredEvent {
            event_id: self.id.clone(),
            unit: Unit {
                key: UnitKey([1; 16]),
                shard: 1,
            },
            event_type: self.kind.into(),
            ts: Timestamp(self.ts),
            arrived_at: Timestamp(self.arrived),
            session_id: None,
            properties,
        }
    }
}

/// Events with distinct ids, in no order, some without a property, some of a type nobody reads.
pub fn events(most: usize) -> impl Strategy<Value = Vec<Raw>> {
    let one = (
        0usize..5,
        0i64..200,
        0i64..40,
        proptest::option::weighted(0.9, -500i64..5000),
        proptest::option::weighted(0.9, 0usize..6),
    );
    proptest::collection::vec(one, 0..most).prop_map(|all| {
        let kinds = ["buy", "visit", "buy", "visit", "other"];
        let labels = ["a", "b", "c", "d", "e", "f"];
        all.into_iter()
            .enumerate()
            .map(|(i, (kind, ts, lag, cents, label))| Raw {
                // Ids do not follow time.
                id: format!("e-{}", (i * 7919) % 1009),
                kind: kinds[kind],
                ts,
                arrived: ts + lag,
                cents,
                label: label.map(|l| labels[l]),
            })
            .collect()
    })
}

/// The definition: an event counts iff floor(at, bucket) − window <= ts < at.
pub fn oracle(view: &View, events: &[Raw], at: i64, distinct_max: usize) -> (Value, bool, bool) {
    let ViewSource::Events {
        aggregate,
        event,
        window,
        bucket,
        ..
    } = &view.from
    else {
        unreachable!()
    };
    let edge = (at / bucket.0) * bucket.0 - window.0;
    let mut counted: Vec<&Raw> = events
        .iter()
        .filter(|e| e.kind == event && edge <= e.ts && e.ts < at)
        .filter(|e| match aggregate {
            Aggregate::Sum | Aggregate::Avg => e.cents.is_some(),
            Aggregate::CountDistinct | Aggregate::Last => e.label.is_some(),
            _ => true,
        })
        .collect();
    counted.sort_by(|a, b| (a.ts, &a.id).cmp(&(b.ts, &b.id)));
    let Some(newest) = counted.last() else {
        return (view.default.clone(), true, false);
    };
    let cents: i64 = counted.iter().filter_map(|e| e.cents).sum();
    let mut saturated = false;
    let value = match aggregate {
        Aggregate::Count => Value::Number(counted.len() as f64),
        Aggregate::Any => Value::Number(1.0),
        Aggregate::Sum => Value::Number(cents as f64 / 100.0),
        Aggregate::Avg => Value::Number(cents as f64 / 100.0 / counted.len() as f64),
        Aggregate::CountDistinct => {
            let labels: std::collections::BTreeSet<_> = counted.iter().map(|e| e.label).collect();
            saturated = labels.len() >= distinct_max;
            Value::Number(labels.len().min(distinct_max) as f64)
        }
        Aggregate::Last => Value::Text(newest.label.unwrap_or_default().to_owned()),
        Aggregate::DaysSince => Value::Number((at - newest.ts) as f64 / 86_400e6),
    };
    (value, false, saturated)
}

pub fn close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => (a - b).abs() <= 1e-12 * (1.0 + b.abs()),
        (a, b) => a == b,
    }
}
