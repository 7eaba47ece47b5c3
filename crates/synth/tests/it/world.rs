//! The world keeps its promises: determinism, lives apart from one another, valid events, clean windows, measured
//! features.

use std::collections::{BTreeMap, BTreeSet};

use ceteris_contract::duration::Span;
use ceteris_contract::event::UserEvent;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_synth::SynthError;
use ceteris_synth::ecommerce::{
    Arm, Batch, Event, EventKind, Features, START, TrueEffects, WINDOW, World, WorldConfig, coefficients,
    user_id,
};
use proptest::prelude::*;

fn world(seed: u64, users: u32) -> World {
    World::new(WorldConfig {
        seed,
        users,
        days: 70,
    })
    .unwrap()
}

fn all_events(world: &World, span: Span) -> Vec<Event> {
    world.batches(span).flat_map(|b| b.events).collect()
}

fn sent(event: &Event) -> UserEvent {
    UserEvent::parse(&event.payload()).unwrap()
}

fn within(at: Timestamp, from: Timestamp, span: Span) -> bool {
    from < at && at <= from.plus(span)
}

#[test]
fn the_start_is_the_first_of_january() {
    assert_eq!(START.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(world(1, 1).end().to_string(), "2026-03-12T00:00:00Z");
}

#[test]
fn the_same_seed_gives_the_same_world_whatever_the_batches() {
    let day = all_events(&world(1, 60), Span::days(1));
    assert_eq!(day, all_events(&world(1, 60), Span::days(1)));
    assert_eq!(day, all_events(&world(1, 60), Span::minutes(7 * 60)));
    assert_ne!(day, all_events(&world(2, 60), Span::days(1)));
    let keys: Vec<_> = day.iter().map(|e| (e.at, e.user, e.number)).collect();
    assert!(keys.is_sorted(), "events come in the order of time");
}

#[test]
fn a_life_does_not_depend_on_the_others() {
    let (few, many) = (world(9, 20), world(9, 900));
    for user in 0..20 {
        assert_eq!(
            few.life(&user_id(user)).unwrap(),
            many.life(&user_id(user)).unwrap()
        );
    }
    assert_ne!(few.life("user-000003").unwrap().events.len(), 0);
    let streams: BTreeSet<String> = few
        .user_ids()
        .map(|id| format!("{:?}", few.life(&id).unwrap().opportunities))
        .collect();
    assert_eq!(streams.len(), 20, "no two users live the same life");
}

#[test]
fn batches_and_lives_tell_the_same_story() {
    let world = world(2, 40);
    let batches: Vec<Batch> = world.batches(Span::days(1)).collect();
    assert_eq!(batches.len(), 70);
    for user in 0..40 {
        let life = world.life(&user_id(user)).unwrap();
        let of_user = |e: &&Event| e.user == user;
        let events: Vec<Event> = batches
            .iter()
            .flat_map(|b| b.events.iter().filter(of_user))
            .copied()
            .collect();
        assert_eq!(events, life.events);
        let numbers: Vec<u32> = events.iter().map(|e| e.number).collect();
        assert_eq!(numbers, (0..events.len() as u32).collect::<Vec<_>>());
        let met: Vec<_> = batches
            .iter()
            .flat_map(|b| b.opportunities.iter().filter(|o| o.user == user))
            .copied()
            .collect();
        assert_eq!(met, life.opportunities);
    }
    for batch in &batches {
        assert!(
            batch
                .events
                .iter()
                .all(|e| batch.start <= e.at && e.at < batch.end)
        );
    }
}

#[test]
fn every_event_is_valid_and_tells_nothing_latent() {
    let known: BTreeMap<&str, &[&str]> = [
        ("session_ended", &["duration_s"] as &[&str]),
        ("page_view", &["dwell_s"]),
        ("cart_viewed", &[]),
        ("cart_updated", &["value"]),
        ("coupon_shown", &["discount_percent"]),
        ("ad_shown", &[]),
        ("free_shipping_offered", &[]),
        ("purchase", &["amount"]),
        ("profile_updated", &["price_sensitivity", "region", "tier"]),
    ]
    .into();
    let mut ids = BTreeSet::new();
    let mut types = BTreeSet::new();
    for event in all_events(&world(3, 300), Span::days(1)) {
        let parsed = sent(&event);
        assert_eq!(parsed, event.user_event());
        assert!(ids.insert(parsed.event_id.clone()), "{} repeats", parsed.event_id);
        assert!(parsed.extra.is_empty());
        let properties: Vec<&str> = parsed.properties.keys().map(String::as_str).collect();
        assert_eq!(properties, known[parsed.event_type.as_str()]);
        assert!(!String::from_utf8(event.payload()).unwrap().contains("intent"));
        types.insert(parsed.event_type);
    }
    assert_eq!(types.len(), known.len(), "every kind of event occurs");
}

#[test]
fn windows_hold_their_own_opportunity_and_nothing_else() {
    let world = world(4, 400);
    let (mut mature, mut purchases) = (0, 0);
    for id in world.user_ids() {
        let life = world.life(&id).unwrap();
        for pair in life.opportunities.windows(2) {
            assert!(pair[1].t >= pair[0].t.plus(Span::days(8)));
        }
        for o in life.opportunities.iter().filter(|o| o.window_end() < world.end()) {
            mature += 1;
            let (mut dwell, mut cart, mut amounts, mut given) = (0, 0, Vec::new(), Vec::new());
            for event in &life.events {
                let day_after = within(event.at, o.t, Span::days(1));
                let week_after = within(event.at, o.t, WINDOW);
                match event.kind {
                    EventKind::PageView { dwell_s } if day_after => dwell += dwell_s,
                    EventKind::CartUpdated { value_cents } if day_after => cart += value_cents,
                    EventKind::Purchase { amount_cents } if week_after => amounts.push(amount_cents),
                    EventKind::CouponShown { .. } | EventKind::AdShown | EventKind::FreeShippingOffered => {
                        let clean = !week_after || within(event.at, o.t, Span(5_000_000));
                        assert!(clean, "a treatment in the window that is not its own");
                        assert!(event.at < o.t.minus(WINDOW) || event.at > o.t, "no washout");
                        if week_after {
                            given.push(sent(event));
                        }
                    }
                    _ => {}
                }
            }
            let response = o.response;
            assert_eq!((dwell, cart), (response.browsing_s, response.cart_cents));
            assert_eq!(amounts, response.purchase_cents.into_iter().collect::<Vec<_>>());
            purchases += amounts.len();
            let doses: Vec<f64> = given
                .iter()
                .filter_map(|e| e.properties.get("discount_percent")?.as_f64())
                .collect();
            let dose = response
                .coupon
                .arm()
                .map(|arm| if arm == Arm::Coupon5 { 5.0 } else { 10.0 });
            assert_eq!(doses, dose.into_iter().collect::<Vec<_>>());
            let shown = |kind: &str| given.iter().filter(|e| e.event_type == kind).count();
            assert_eq!(shown("ad_shown"), usize::from(response.ad));
            assert_eq!(
                shown("free_shipping_offered"),
                usize::from(response.free_shipping)
            );
        }
    }
    assert!(
        mature > 900 && purchases > 300,
        "{mature} windows, {purchases} purchases"
    );
}

/// The views of the problem file once more, from the JSON that was sent.
fn views_at(events: &[UserEvent], at: Timestamp) -> BTreeMap<String, Value> {
    let number = |e: &UserEvent, name: &str| e.properties[name].as_f64().unwrap();
    let seen = |kind: &'static str, days: i64| {
        let from = at.floor(Span::days(1)).minus(Span::days(days));
        events
            .iter()
            .filter(move |e| e.event_type == kind && from <= e.timestamp && e.timestamp < at)
    };
    let durations: Vec<f64> = seen("session_ended", 30)
        .map(|e| number(e, "duration_s"))
        .collect();
    let cents: f64 = seen("purchase", 365)
        .map(|e| (number(e, "amount") * 100.0).round())
        .sum();
    let newest = seen("purchase", 365).map(|e| e.timestamp.0).max();
    let profile = seen("profile_updated", 365).max_by_key(|e| e.timestamp).unwrap();
    let text = |name: &str| Value::Text(profile.properties[name].as_str().unwrap().to_owned());
    let average = durations.iter().sum::<f64>() / durations.len().max(1) as f64;
    [
        ("avg_session_duration", average.into()),
        ("session_frequency", (durations.len() as f64).into()),
        (
            "days_since_last_purchase",
            newest.map_or(365.0, |ts| (at.0 - ts) as f64 / 86_400e6).into(),
        ),
        ("historical_spend", (cents / 100.0).into()),
        ("user_tier", text("tier")),
        ("location", text("region")),
        ("price_sensitivity", number(profile, "price_sensitivity").into()),
    ]
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .into()
}

#[test]
fn features_are_what_the_events_say_and_stay_within_their_bounds() {
    let world = world(5, 120);
    for id in world.user_ids() {
        let life = world.life(&id).unwrap();
        let events: Vec<UserEvent> = life.events.iter().map(sent).collect();
        for o in &life.opportunities {
            assert_eq!(o.features.values(), views_at(&events, o.t));
            assert_eq!(world.features_at(&id, o.t).unwrap(), o.features);
            assert_eq!(Features::from_values(&o.features.values()).unwrap(), o.features);
            assert_eq!(world.true_effects_at(&id, o.t).unwrap(), o.effects);
            assert!((60.0..=900.0).contains(&o.features.avg_session_duration));
            assert!((1.0..=15.0).contains(&o.features.session_frequency));
            assert!((0.0..=1.0).contains(&o.features.price_sensitivity));
        }
        let later = world.end().plus(Span::days(3));
        assert_eq!(
            world.features_at(&id, later).unwrap().values(),
            views_at(&events, later)
        );
    }
}

#[test]
fn effects_are_the_coefficients_times_the_features() {
    let world = world(6, 30);
    for o in world.opportunities() {
        let values = o.features.values();
        for arm in Arm::ALL {
            let by_hand: f64 = coefficients(arm)
                .terms()
                .into_iter()
                .map(|(term, c)| c * values.get(term).and_then(Value::as_number).unwrap_or(1.0))
                .sum();
            let truth = o.effects.by_name(arm.id(), "purchase_decision").unwrap();
            assert!((truth - by_hand).abs() < 1e-12);
            assert_eq!(o.effects.by_arm()[arm.id()], o.effects.of(arm));
        }
        assert_eq!(TrueEffects::at(&o.features), o.effects);
        assert_eq!(o.effects.by_name("coupon_20pct", "purchase_decision"), None);
    }
}

#[test]
fn bad_questions_are_answered_by_name() {
    let bad = |users, days| {
        World::new(WorldConfig { seed: 1, users, days })
            .unwrap_err()
            .to_string()
    };
    assert_eq!(bad(0, 70), "users: 0 is out of range; use 1 to 10000000");
    assert_eq!(bad(5, 10), "days: 10 is out of range; use 45 to 365");
    let world = world(1, 12);
    for id in ["user-000012", "user-12", "user-", "someone", "user-+00001"] {
        let unknown = SynthError::UnknownUser {
            user_id: id.to_owned(),
        };
        assert_eq!(world.life(id).unwrap_err(), unknown);
    }
    assert!(matches!(
        world.features_at("user-000001", START),
        Err(SynthError::TooEarly { .. })
    ));
    let mut values = world.features_at("user-000001", world.end()).unwrap().values();
    values.insert("price_sensitivity".to_owned(), "high".into());
    let error = Features::from_values(&values).unwrap_err();
    assert_eq!(
        error,
        SynthError::Feature {
            feature: "price_sensitivity"
        }
    );
}

#[test]
fn those_who_are_asked_have_no_open_window() {
    let world = world(7, 500);
    let users = world.users_to_ask(10_000);
    assert!(users.len() > 50, "{}", users.len());
    assert_eq!(users.iter().collect::<BTreeSet<_>>().len(), users.len());
    for id in &users {
        let last = world.life(id).unwrap().opportunities.last().map(|o| o.t);
        assert!(last.is_none_or(|t| t.plus(WINDOW) < world.end()));
    }
    assert_eq!(world.users_to_ask(7), users[..7]);
    let requests = world.requests(1_000, Some(world.end()), Span(1_000));
    assert_eq!(requests.len(), 1_000);
    assert_eq!(requests[users.len()].user_id, users[0]);
    assert_eq!(requests[3].at, Some(world.end().plus(Span(3_000))));
    let json = serde_json::to_value(&requests[0].available_treatments).unwrap();
    let offer =
        serde_json::json!({"treatment_id": "coupon_10pct", "type": "coupon", "discount_percent": 10.0});
    assert_eq!(json[1], offer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_world_is_orderly(seed: u64, users in 1u32..12, days in 45u32..120, hours in 1i64..60) {
        let world = World::new(WorldConfig { seed, users, days }).unwrap();
        let events = all_events(&world, Span(hours * 3_600_000_000));
        prop_assert!(events.is_sorted_by_key(|e| e.at));
        prop_assert!(events.iter().all(|e| START <= e.at && e.at < world.end()));
        let ids: BTreeSet<String> = events.iter().map(Event::event_id).collect();
        prop_assert_eq!(ids.len(), events.len());
        let viewed = events.iter().filter(|e| e.kind == EventKind::CartViewed).count();
        prop_assert_eq!(viewed, world.opportunities().count());
    }
}
