//! Applies per second, and what a state weighs: `cargo run -p ceteris-features --example applies`.
#![allow(
    clippy::disallowed_methods,
    reason = "an example takes arguments, reads files and measures time"
)]

use std::io::Write;
use std::time::Instant;

use ceteris_contract::duration::Span;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::*;
use ceteris_contract::time::{DAY_US, Timestamp};
use ceteris_contract::value::Value;
use ceteris_features::{UnitState, ViewSet};

fn view(name: &str, aggregate: Aggregate, event: &str, property: Option<&str>, days: i64) -> View {
    let text = aggregate == Aggregate::Last;
    View {
        name: name.into(),
        role: NodeRole::Confounder,
        kind: if text {
            ViewKind::Categorical
        } else {
            ViewKind::Numeric
        },
        from: ViewSource::Events {
            aggregate,
            event: event.into(),
            property: property.map(str::to_owned),
            window: Span::days(days),
            bucket: Span::days(1),
            ttl: Span::days(days),
        },
        default: if text {
            Value::from("none")
        } else {
            Value::Number(0.0)
        },
        optional: false,
    }
}

fn problem() -> Result<Problem, serde_json::Error> {
    let features = vec![
        view(
            "avg_session_duration",
            Aggregate::Avg,
            "session",
            Some("duration"),
            30,
        ),
        view("session_frequency", Aggregate::Count, "session", None, 30),
        view(
            "days_since_last_purchase",
            Aggregate::DaysSince,
            "purchase",
            None,
            365,
        ),
        view(
            "historical_spend",
            Aggregate::Sum,
            "purchase",
            Some("amount"),
            365,
        ),
        view("user_tier", Aggregate::Last, "session", Some("tier"), 365),
        view("pages", Aggregate::CountDistinct, "page_view", Some("page"), 30),
    ];
    let mut problem: Problem = serde_json::from_value(serde_json::json!({
        "name": "speed", "entity": "user_id",
        "source": {"kind": "events", "opportunity_events": ["session"], "attribution": "10m", "lateness": "1h",
                   "controls_per_treated": 4.0},
        "graph": {"nodes": [], "directed": []}, "features": [], "treatments": [], "outcomes": [], "effect_basis": [],
        "policy": {"significance_level": 0.05, "exploration": 0.1, "holdout": 0.05, "propensity_floor": 0.01},
        "gates": {"rows_per_arm_min": 1, "propensity_clip": 0.01, "clipped_share_max": 1.0, "missing_share_max": 1.0}
    }))?;
    problem.features = features;
    Ok(problem)
}

fn event(unit: u64, i: u64) -> StoredEvent {
    let mut properties = serde_json::Map::new();
    let kind = match i % 5 {
        0 => {
            properties.insert("duration".into(), (60.0 + (i % 97) as f64).into());
            properties.insert("tier".into(), ["gold", "silver"][i as usize % 2].into());
            "session"
        }
        4 => {
            properties.insert("amount".into(), (9.99 + (i % 31) as f64).into());
            "purchase"
        }
        _ => {
            properties.insert("page".into(), format!("/p/{}", i % 23).into());
            "page_view"
        }
    };
    let ts = Timestamp(20_000 * DAY_US + i as i64 * DAY_US / 3);
    StoredEvent {
        event_id: format!("0190b3c0-7a2e-7d3e-{unit:04x}-{i:012x}"),
        unit: Unit {
            key: UnitKey((unit as u128).to_be_bytes()),
            shard: (unit % 4096) as u16,
        },
        event_type: kind.into(),
        ts,
        arrived_at: ts,
        session_id: None,
        properties,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let views = ViewSet::compile(&problem()?)?;
    let (units, each) = (2_000u64, 50u64);
    let events: Vec<Vec<StoredEvent>> = (0..units)
        .map(|u| (0..each).map(|i| event(u, i)).collect())
        .collect();
    let rounds = 20u64;
    let mut states = Vec::new();
    let start = Instant::now();
    for _ in 0..rounds {
        states = events
            .iter()
            .map(|events| {
                let mut state = UnitState::new(&views);
                for event in events {
                    state.apply(&views, event);
                }
                state
            })
            .collect();
    }
    let applied = start.elapsed().as_secs_f64();
    let at = Timestamp(20_017 * DAY_US);
    let start = Instant::now();
    let mut bytes = 0;
    let mut present = 0;
    for state in &states {
        let blob = state.encode(&views);
        bytes += blob.len();
        let back = UnitState::decode(&views, &blob)?;
        present += back.vector(&views, at).iter().filter(|v| !v.is_default).count();
    }
    let read = start.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{:.2} M applies/s; encode + decode + vector {:.2} us; {} bytes a unit of {each} events; {present} values",
        (units * each * rounds) as f64 / applied / 1e6,
        read / units as f64 * 1e6,
        bytes as u64 / units,
    )?;
    Ok(())
}
