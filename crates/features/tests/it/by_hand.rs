//! Cases solved by hand: edges, ties, late and refused events, what is measured afterwards.

use crate::common::{Raw, problem, view};
use ceteris_contract::duration::Span;
use ceteris_contract::problem::*;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_features::{AfterSet, Applied, CompileError, Limits, Refusal, UnitState, ViewSet};

fn raw(id: &str, kind: &'static str, ts: i64, cents: i64, label: &'static str) -> Raw {
    Raw {
        id: id.into(),
        kind,
        ts,
        arrived: ts,
        cents: Some(cents),
        label: Some(label),
    }
}

fn numbers(state: &UnitState, views: &ViewSet, at: i64) -> Vec<Option<f64>> {
    let vector = state.vector(views, Timestamp(at));
    vector
        .iter()
        .map(|v| if v.is_default { None } else { v.value.as_number() })
        .collect()
}

#[test]
fn the_near_edge_is_open_and_the_far_edge_is_floored() {
    let problem = problem(vec![view("n", Aggregate::Count, "buy", 20, 10)]);
    let views = ViewSet::compile(&problem).unwrap();
    let mut state = UnitState::new(&views);
    for (id, ts) in [("a", 10), ("b", 19), ("c", 20), ("d", 35)] {
        assert_eq!(
            state.apply(&views, &raw(id, "buy", ts, 0, "x").event()),
            Applied::Counted
        );
    }
    // floor(35, 10) − 20 = 10: a counts, d at the instant itself does not.
    assert_eq!(numbers(&state, &views, 35), [Some(3.0)]);
    assert_eq!(numbers(&state, &views, 36), [Some(4.0)]);
    // floor(40, 10) − 20 = 20: a and b leave together.
    assert_eq!(numbers(&state, &views, 39), [Some(4.0)]);
    assert_eq!(numbers(&state, &views, 40), [Some(2.0)]);
    // floor(60, 10) − 20 = 40.
    assert_eq!(numbers(&state, &views, 60), [None]);
}

#[test]
fn the_last_of_two_at_one_instant_is_the_greater_id() {
    let views = ViewSet::compile(&problem(vec![view("l", Aggregate::Last, "buy", 100, 10)])).unwrap();
    for order in [[0, 1], [1, 0]] {
        let two = [
            raw("e-2", "buy", 5, 0, "second"),
            raw("e-1", "buy", 5, 0, "first"),
        ];
        let mut state = UnitState::new(&views);
        for i in order {
            state.apply(&views, &two[i].event());
        }
        assert_eq!(state.vector(&views, Timestamp(6))[0].value, Value::from("second"));
        assert_eq!(state.vector(&views, Timestamp(5))[0].value, Value::from("none"));
    }
}

#[test]
fn a_refusing_view_leaves_the_others_their_event() {
    let problem = problem(vec![
        view("sum", Aggregate::Sum, "buy", 100, 10),
        view("count", Aggregate::Count, "buy", 100, 10),
    ]);
    let views = ViewSet::compile(&problem).unwrap();
    let mut state = UnitState::new(&views);
    let mut event = raw("a", "buy", 5, 100, "x").event();
    for (value, why) in [
        (serde_json::json!("ten"), Refusal::PropertyType),
        (serde_json::json!(null), Refusal::PropertyMissing),
        (serde_json::json!([1]), Refusal::PropertyType),
        (serde_json::json!(1e13), Refusal::OutOfRange),
    ] {
        event.event_id.push('+');
        event
            .properties
            .insert("basket".into(), serde_json::json!({ "value": value }));
        assert_eq!(
            state.apply(&views, &event),
            Applied::Refused {
                view: "sum".into(),
                why
            }
        );
    }
    event.event_id = "b".into();
    event
        .properties
        .insert("basket".into(), serde_json::json!({"value": true}));
    assert_eq!(state.apply(&views, &event), Applied::Counted);
    event.event_type = "other".into();
    event.event_id = "c".into();
    assert_eq!(state.apply(&views, &event), Applied::Irrelevant);
    assert_eq!(numbers(&state, &views, 6), [Some(1.0), Some(5.0)]);
}

#[test]
fn an_event_too_late_for_every_window_changes_no_value() {
    let day = 86_400_000_000;
    let views = ViewSet::compile(&problem(vec![view("n", Aggregate::Count, "buy", day, day)])).unwrap();
    let mut state = UnitState::new(&views);
    state.apply(&views, &raw("new", "buy", 40 * day, 0, "x").event());
    let before = state.clone();
    assert_eq!(
        state.apply(&views, &raw("old", "buy", 3 * day, 0, "x").event()),
        Applied::Expired
    );
    assert_eq!(state, before);
    assert_eq!(
        state.apply(
            &views,
            &raw("late", "buy", 40 * day - 2 * day / 3, 0, "x").event()
        ),
        Applied::Counted
    );
    assert_eq!(numbers(&state, &views, 40 * day + 1), [Some(2.0)]);
    assert!(!state.is_idle(&views, Timestamp(41 * day)));
    assert!(state.is_idle(&views, Timestamp(41 * day + 1)));
}

#[test]
fn a_busy_unit_stays_bounded_and_exact_after_its_newest_event() {
    let problem = problem(vec![
        view("sum", Aggregate::Sum, "buy", 3_600_000_000, 60_000_000),
        view(
            "kinds",
            Aggregate::CountDistinct,
            "buy",
            3_600_000_000,
            60_000_000,
        ),
    ]);
    let limits = Limits {
        recent_events_max: 50,
        ..Limits::default()
    };
    let views = ViewSet::with_limits(&problem, limits).unwrap();
    let mut state = UnitState::new(&views);
    for i in 0..20_000i64 {
        state.apply(
            &views,
            &raw(
                &format!("e{i}"),
                "buy",
                i * 1000,
                1,
                ["a", "b", "c"][i as usize % 3],
            )
            .event(),
        );
    }
    assert_eq!(numbers(&state, &views, 20_000_000), [Some(200.0), Some(3.0)]);
    // The newest fifty are known one by one, so the near edge is exact among them.
    assert_eq!(numbers(&state, &views, 19_990_000)[0], Some(199.9));
    assert!(state.exact_from() <= Timestamp(19_951_000));
    assert!(
        state.encode(&views).len() < 3_000,
        "{}",
        state.encode(&views).len()
    );
}

#[test]
fn many_events_at_one_instant_are_folded_too() {
    let views = ViewSet::with_limits(
        &problem(vec![view(
            "sum",
            Aggregate::Sum,
            "buy",
            3_600_000_000,
            60_000_000,
        )]),
        Limits {
            recent_events_max: 50,
            ..Limits::default()
        },
    )
    .unwrap();
    let mut state = UnitState::new(&views);
    for i in 0..5_000 {
        state.apply(&views, &raw(&format!("e{i}"), "buy", 1_000, 1, "a").event());
    }
    assert_eq!(numbers(&state, &views, 1_001), [Some(50.0)]);
    assert_eq!(
        state.exact_from(),
        Timestamp(1_001),
        "the instant itself is no longer told apart"
    );
    assert!(state.encode(&views).len() < 800, "{}", state.encode(&views).len());
}

#[test]
fn outcomes_count_after_t_up_to_the_windows_end() {
    let mut problem = problem(vec![]);
    for (name, aggregate, property) in [
        ("bought", Aggregate::Any, None),
        ("spent", Aggregate::Sum, Some("basket.value".to_owned())),
    ] {
        problem.outcomes.push(Outcome {
            name: name.into(),
            node: name.into(),
            from: OutcomeSource::Events {
                aggregate,
                event: "buy".into(),
                property,
                window: Span(10),
            },
            weight: 1.0,
            direction: Direction::Maximise,
            primary: name == "bought",
        });
    }
    let mut mediator = view("browsed", Aggregate::Last, "visit", 5, 1);
    mediator.role = NodeRole::Mediator;
    problem.features.push(mediator);
    let after = AfterSet::compile(&problem).unwrap();
    let columns: Vec<&str> = after.columns().map(|(name, _)| name).collect();
    assert_eq!(columns, ["outcome_bought", "outcome_spent", "mediator_browsed"]);
    assert_eq!(after.window_max(), Span(10));
    let events: Vec<_> = [
        raw("a", "buy", 100, 500, "x"),
        raw("b", "buy", 110, 250, "x"),
        raw("c", "buy", 111, 125, "x"),
        raw("d", "visit", 103, 0, "shoes"),
        raw("e", "visit", 106, 0, "hats"),
    ]
    .map(|r| r.event())
    .to_vec();
    let unit = after.collect(&events);
    let at = |t| after.values(&unit, Timestamp(t));
    // The event at t is no outcome, the one at the window's end is.
    assert_eq!(
        at(100),
        [Value::Number(1.0), Value::Number(2.5), Value::from("shoes")]
    );
    assert_eq!(
        at(99),
        [Value::Number(1.0), Value::Number(5.0), Value::from("shoes")]
    );
    assert_eq!(
        at(101),
        [Value::Number(1.0), Value::Number(3.75), Value::from("hats")]
    );
    assert_eq!(
        at(111),
        [Value::Number(0.0), Value::Number(0.0), Value::from("none")]
    );
}

#[test]
fn what_cannot_be_evaluated_does_not_compile() {
    let compile = |v: View| ViewSet::compile(&problem(vec![v])).map(|_| ());
    let mut bare = view("v", Aggregate::Sum, "buy", 10, 1);
    if let ViewSource::Events { property, .. } = &mut bare.from {
        *property = None;
    }
    assert_eq!(
        compile(bare),
        Err(CompileError::PropertyMissing { name: "v".into() })
    );
    let mut column = view("v", Aggregate::Sum, "buy", 10, 1);
    column.from = ViewSource::Column { column: "x".into() };
    assert_eq!(
        compile(column),
        Err(CompileError::NotFromEvents { name: "v".into() })
    );
    let mut text = view("v", Aggregate::Sum, "buy", 10, 1);
    text.kind = ViewKind::Categorical;
    assert_eq!(
        compile(text),
        Err(CompileError::KindMismatch { name: "v".into() })
    );
    let mut back = view("v", Aggregate::DaysSince, "buy", 10, 1);
    back.role = NodeRole::Mediator;
    assert_eq!(
        AfterSet::compile(&problem(vec![back])).map(|_| ()),
        Err(CompileError::LooksBack { name: "v".into() })
    );
}
