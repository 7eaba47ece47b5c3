//! A small problem, random events for it, and lakes to put them in.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use ceteris_contract::duration::Span;
use ceteris_contract::event::StoredEvent;
use ceteris_contract::identity::{Unit, UnitKey};
use ceteris_contract::problem::*;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_etl::{EtlError, Made, Request, Watermarks, Workers, run};
use ceteris_lake::{EventRow, Lake, Offsets};
use proptest::prelude::*;

pub const HOUR: i64 = 3_600_000_000;
pub const DAY: i64 = 24 * HOUR;
/// The world's first instant, a midnight.
pub const START: i64 = 20_000 * DAY;

fn view(
    name: &str,
    role: NodeRole,
    aggregate: Aggregate,
    event: &str,
    property: Option<&str>,
    window: i64,
    bucket: i64,
) -> View {
    let text = aggregate == Aggregate::Last;
    View {
        name: name.into(),
        role,
        kind: if text {
            ViewKind::Categorical
        } else {
            ViewKind::Numeric
        },
        from: ViewSource::Events {
            aggregate,
            event: event.into(),
            property: property.map(str::to_owned),
            window: Span(window),
            bucket: Span(bucket),
            ttl: Span(window),
        },
        default: if text { Value::Null } else { Value::Number(-1.0) },
        optional: false,
    }
}

pub fn problem(controls_per_treated: f64) -> Problem {
    let outcome = |name: &str, aggregate, property: Option<&str>| Outcome {
        name: name.into(),
        node: name.into(),
        from: OutcomeSource::Events {
            aggregate,
            event: "buy".into(),
            property: property.map(str::to_owned),
            window: Span(2 * DAY),
        },
        weight: 1.0,
        direction: Direction::Maximise,
        primary: name == "bought",
    };
    let arm = |id: &str, dose: Option<f64>| Arm {
        id: id.into(),
        dose: dose.map(Value::Number),
        cost: 1.0,
    };
    use NodeRole::{Confounder, Instrument, Mediator};
    Problem {
        name: "shop".into(),
        description: String::new(),
        entity: "user_id".into(),
        source: Source::Events {
            opportunity_events: vec!["cart".into()],
            attribution: Span(2 * HOUR),
            lateness: Span(6 * HOUR),
            controls_per_treated,
        },
        graph: GraphSpec::default(),
        features: vec![
            view("carts", Confounder, Aggregate::Count, "cart", None, 3 * DAY, DAY),
            view(
                "spend",
                Confounder,
                Aggregate::Sum,
                "buy",
                Some("amount"),
                5 * DAY,
                12 * HOUR,
            ),
            view(
                "browsed",
                Mediator,
                Aggregate::Sum,
                "view",
                Some("amount"),
                DAY,
                HOUR,
            ),
            view(
                "region",
                Instrument,
                Aggregate::Last,
                "view",
                Some("label"),
                4 * DAY,
                DAY,
            ),
            view(
                "since",
                Confounder,
                Aggregate::DaysSince,
                "buy",
                None,
                4 * DAY,
                DAY,
            ),
        ],
        treatments: vec![
            Treatment {
                name: "coupon".into(),
                node: "coupon".into(),
                kind: TreatmentKind::Categorical,
                from: TreatmentSource::Event {
                    event: "coupon_shown".into(),
                    dose_property: Some("percent".into()),
                },
                arms: vec![arm("coupon_5", Some(5.0)), arm("coupon_10", Some(10.0))],
                washout: Span(DAY),
            },
            Treatment {
                name: "ad".into(),
                node: "ad".into(),
                kind: TreatmentKind::Binary,
                from: TreatmentSource::Event {
                    event: "ad_shown".into(),
                    dose_property: None,
                },
                arms: vec![arm("ad", None)],
                washout: Span(6 * HOUR),
            },
        ],
        outcomes: vec![
            outcome("bought", Aggregate::Any, None),
            outcome("spent", Aggregate::Sum, Some("amount")),
        ],
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

pub fn unit(number: u8) -> Unit {
    // Neither keys nor shards are in the order of numbers.
    Unit {
        key: UnitKey([number.wrapping_mul(91); 16]),
        shard: u16::from(number) * 37 % 4096,
    }
}

/// An event of the small world: `value` is the amount, the percent and the label at once.
pub fn event(id: &str, who: u8, kind: &str, hours: i64, lag_hours: i64, value: i64) -> StoredEvent {
    let ts = Timestamp(START + hours * HOUR);
    let mut properties = serde_json::Map::new();
    properties.insert("amount".into(), serde_json::json!(value as f64 / 4.0));
    properties.insert("percent".into(), serde_json::json!(value));
    properties.insert(
        "label".into(),
        serde_json::json!(["north", "south", "west"][value.rem_euclid(3) as usize]),
    );
    StoredEvent {
        event_id: id.into(),
        unit: unit(who),
        event_type: kind.into(),
        ts,
        arrived_at: Timestamp(ts.0 + lag_hours * HOUR),
        session_id: None,
        properties,
    }
}

/// Events of a few units on an hourly grid, so that instants and window edges meet; carts often with a treatment, some
/// events again with other content, mostly known doses.
pub fn events(most: usize) -> impl Strategy<Value = Vec<StoredEvent>> {
    const KINDS: [&str; 8] = [
        "cart",
        "cart",
        "cart",
        "buy",
        "buy",
        "view",
        "coupon_shown",
        "noise",
    ];
    const DOSES: [i64; 8] = [5, 10, 5, 10, 5, 10, 5, 7];
    let lag = prop_oneof![4 => Just(0i64), 1 => 1i64..60];
    let follow = (0usize..10, 0i64..4, 0usize..8);
    let one = (0usize..8, 0u8..4, 0i64..900, lag, 0usize..8, follow, 0u8..8);
    prop::collection::vec(one, 1..most).prop_map(|all| {
        let mut events = Vec::new();
        for (i, (kind, who, hours, lag, dose, (treatment, after, second), again)) in
            all.into_iter().enumerate()
        {
            // Ids do not follow time.
            let id = format!("e{:04}", (i * 7919) % 9973);
            events.push(event(&id, who, KINDS[kind], hours, lag, DOSES[dose]));
            if again == 0 {
                events.push(event(&id, who, KINDS[kind], hours + 5, lag + 3, 10));
            }
            if KINDS[kind] == "cart" {
                let mut treat = |n: u8, kind, dose: usize| {
                    events.push(event(
                        &format!("{id}-{n}"),
                        who,
                        kind,
                        hours + after,
                        lag,
                        DOSES[dose],
                    ));
                };
                match treatment {
                    0 | 1 => treat(1, "coupon_shown", dose),
                    2 => treat(1, "ad_shown", dose),
                    3 => {
                        treat(2, "coupon_shown", dose);
                        treat(1, "coupon_shown", second);
                        treat(3, "ad_shown", second);
                    }
                    _ => {}
                }
            }
        }
        events
    })
}

pub async fn lake(buckets: u16, batches: &[&[StoredEvent]]) -> Lake {
    let store = Arc::new(object_store::memory::InMemory::new());
    let lake = Lake::over(store, "".into(), buckets, Timestamp(START))
        .await
        .unwrap();
    let mut stands = Offsets::new();
    for (number, batch) in batches.iter().enumerate() {
        let rows = batch.iter().cloned().map(EventRow::from).collect();
        let next = Offsets::from([(("user_events".to_owned(), 0), number as u64 + 1)]);
        lake.events()
            .append(rows, &next, &stands, Timestamp(START))
            .await
            .unwrap();
        stands = next;
    }
    lake
}

pub fn request(as_of_hours: i64) -> Request {
    let as_of = Timestamp(START + as_of_hours * HOUR);
    Request {
        as_of,
        watermarks: Watermarks::All(Timestamp::MAX),
        seed: 11,
        lake_version: None,
    }
}

pub fn pool(threads: usize) -> Arc<rayon::ThreadPool> {
    Arc::new(
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap(),
    )
}

pub async fn make(
    lake: &Lake,
    problem: &Problem,
    request: &Request,
    threads: usize,
) -> Result<Made, EtlError> {
    let pool = pool(threads);
    run(
        lake,
        problem,
        request,
        &Workers {
            pool: &pool,
            work_dir: None,
            progress: &|_| {},
        },
    )
    .await
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
