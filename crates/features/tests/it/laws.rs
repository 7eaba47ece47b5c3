//! The engine's laws: it equals the definition, it is commutative, online equals replay, bytes keep states.

use crate::common::{Raw, close, events, every_aggregate, oracle};
use ceteris_contract::duration::Span;
use ceteris_contract::time::Timestamp;
use ceteris_features::{Applied, DecodeError, Limits, UnitState, ViewSet};
use proptest::prelude::*;
use proptest::sample::Index;

fn limits() -> impl Strategy<Value = Limits> {
    let recent = prop_oneof![Just(1usize), 2usize..9, Just(1024usize)];
    (0i64..80, recent, prop_oneof![1usize..5, Just(4096usize)]).prop_map(|(span, recent, distinct)| Limits {
        exact_span: Span(span),
        recent_events_max: recent,
        distinct_max: distinct,
    })
}

fn shuffled(events: &[Raw], keys: &[Index]) -> Vec<Raw> {
    let mut order: Vec<(usize, usize)> = (0..events.len())
        .map(|i| (keys[i % keys.len()].index(1000) * (i + 1) % 997, i))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, i)| events[i].clone()).collect()
}

fn replay(views: &ViewSet, events: &[Raw]) -> UnitState {
    let mut state = UnitState::new(views);
    for event in events {
        state.apply(views, &event.event());
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_view_equals_its_definition(events in events(60), keys in prop::collection::vec(any::<Index>(), 1..20),
                                        limits in limits(), instants in prop::collection::vec(0i64..320, 1..12)) {
        let problem = every_aggregate();
        let views = ViewSet::with_limits(&problem, limits).unwrap();
        let state = replay(&views, &shuffled(&events, &keys));
        let newest = state.newest().map_or(0, |ts| ts.0);
        prop_assert!(state.exact_from().0 <= newest + 1);
        for at in instants.into_iter().chain([newest + 1, state.exact_from().0]) {
            if at < state.exact_from().0 {
                continue;
            }
            for (view, got) in problem.features.iter().zip(state.vector(&views, Timestamp(at))) {
                let (value, is_default, saturated) = oracle(view, &events, at, limits.distinct_max);
                prop_assert!(close(&got.value, &value), "{} at {at}: {:?} for {value:?}", view.name, got);
                prop_assert_eq!((got.is_default, got.saturated), (is_default, saturated), "{}", &view.name);
            }
        }
    }

    #[test]
    fn the_order_of_events_leaves_no_trace(events in events(60), limits in limits(),
                                           keys in prop::collection::vec(any::<Index>(), 1..20)) {
        let views = ViewSet::with_limits(&every_aggregate(), limits).unwrap();
        let one = replay(&views, &events);
        let other = replay(&views, &shuffled(&events, &keys));
        prop_assert_eq!(one.encode(&views), other.encode(&views));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn repeats_change_nothing(events in events(60), again in prop::collection::vec(any::<Index>(), 0..30)) {
        let limits = Limits { exact_span: Span(20), ..Limits::default() };
        let views = ViewSet::with_limits(&every_aggregate(), limits).unwrap();
        let mut state = replay(&views, &events);
        let once = state.clone();
        for index in again.iter().filter(|_| !events.is_empty()) {
            let applied = state.apply(&views, &index.get(&events).event());
            prop_assert!(matches!(applied, Applied::Repeat | Applied::Irrelevant), "{applied:?}");
        }
        prop_assert_eq!(once, state);
    }

    #[test]
    fn online_at_t_equals_a_replay_of_what_had_arrived(events in events(60), span in 0i64..60, lead in 1i64..30) {
        let limits = Limits { exact_span: Span(span), ..Limits::default() };
        let problem = every_aggregate();
        let views = ViewSet::with_limits(&problem, limits).unwrap();
        let mut arrivals = events.clone();
        arrivals.sort_by_key(|e| e.arrived);
        let mut online = UnitState::new(&views);
        let mut taken = Vec::new();
        for event in &arrivals {
            online.apply(&views, &event.event());
            taken.push(event.clone());
            let at = (event.arrived + lead).max(online.exact_from().0);
            let mut by_time = taken.clone();
            by_time.sort_by_key(|e| e.ts);
            by_time.retain(|e| e.ts < at);
            let offline = replay(&views, &by_time);
            prop_assert_eq!(online.vector(&views, Timestamp(at)), offline.vector(&views, Timestamp(at)));
        }
    }

    #[test]
    fn bytes_keep_the_state_and_damage_is_seen(events in events(60), limits in limits(), at in any::<Index>(),
                                               flip in 1u8..=255, more in events(10)) {
        let views = ViewSet::with_limits(&every_aggregate(), limits).unwrap();
        let mut state = replay(&views, &events);
        let mut bytes = state.encode(&views);
        let mut back = UnitState::decode(&views, &bytes).unwrap();
        prop_assert_eq!(&back, &state);
        for (i, raw) in more.iter().enumerate() {
            let mut event = raw.event();
            event.event_id = format!("more-{i}");
            prop_assert_eq!(back.apply(&views, &event), state.apply(&views, &event));
        }
        prop_assert_eq!(&back, &state);
        prop_assert_eq!(UnitState::decode(&views, &bytes[..at.index(bytes.len())]).err().is_some(), true);
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(UnitState::decode(&views, &bytes).is_err());
    }

    #[test]
    fn garbage_is_refused_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let views = ViewSet::compile(&every_aggregate()).unwrap();
        // With a right head and a right sum, so that the reader itself is met.
        let mut bytes = UnitState::new(&views).encode(&views)[..9].to_vec();
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        if let Ok(state) = UnitState::decode(&views, &bytes) {
            state.vector(&views, Timestamp(50));
        }
    }
}

#[test]
fn states_of_other_views_are_refused() {
    let problem = every_aggregate();
    let views = ViewSet::compile(&problem).unwrap();
    let bytes = UnitState::new(&views).encode(&views);
    let mut other = problem.clone();
    other.features.swap(0, 1);
    assert_eq!(
        UnitState::decode(&ViewSet::compile(&other).unwrap(), &bytes),
        Err(DecodeError::Schema)
    );
    // Neither the default nor the role is part of what a state means.
    let mut same = problem;
    same.features[0].default = ceteris_contract::value::Value::Number(3.0);
    assert!(UnitState::decode(&ViewSet::compile(&same).unwrap(), &bytes).is_ok());
    assert_eq!(UnitState::decode(&views, &[]), Err(DecodeError::Damaged));
    let mut newer = bytes;
    newer[0] = 9;
    assert_eq!(
        UnitState::decode(&views, &newer),
        Err(DecodeError::Version {
            found: 9,
            expected: 1
        })
    );
}
