//! Careless producers repeat, delay and break records, and lose nothing.

use std::collections::BTreeMap;

use ceteris_contract::duration::Span;
use ceteris_contract::event::UserEvent;
use ceteris_contract::time::Timestamp;
use ceteris_synth::SynthError;
use ceteris_synth::ecommerce::{Delivery, Faults, World, WorldConfig};

fn world() -> World {
    let (seed, users, days) = (11, 300, 60);
    World::new(WorldConfig { seed, users, days }).unwrap()
}

fn deliver(faults: Faults) -> Vec<Delivery> {
    world()
        .deliveries(Span::days(1), faults)
        .unwrap()
        .flatten()
        .collect()
}

const CARELESS: Faults = Faults {
    duplicate_share: 0.02,
    late_share: 0.05,
    malformed_share: 0.01,
    delay_max: Span::minutes(180),
};

#[test]
fn without_faults_every_event_arrives_once_when_it_happens() {
    let events: Vec<_> = world().batches(Span::days(1)).flat_map(|b| b.events).collect();
    let deliveries = deliver(Faults::default());
    assert_eq!(deliveries.len(), events.len());
    for (delivery, event) in deliveries.iter().zip(&events) {
        assert_eq!(delivery.arrives_at, event.at);
        assert_eq!(delivery.payload, event.payload());
        assert_eq!(delivery.user_id, event.user_event().user_id);
    }
}

#[test]
fn with_faults_every_event_arrives_whole_at_least_once() {
    let deliveries = deliver(CARELESS);
    assert_eq!(deliveries, deliver(CARELESS));
    assert!(deliveries.is_sorted_by_key(|d| d.arrives_at));
    let mut seen: BTreeMap<String, (UserEvent, usize)> = BTreeMap::new();
    let (mut late, mut broken) = (0, BTreeMap::new());
    for delivery in &deliveries {
        match UserEvent::parse(&delivery.payload) {
            Ok(event) => {
                assert!(delivery.valid);
                assert_eq!(event.user_id, delivery.user_id);
                let delay = delivery.arrives_at.0 - event.timestamp.0;
                assert!((0..=CARELESS.delay_max.0).contains(&delay));
                late += usize::from(delay > 0);
                let entry = seen.entry(event.event_id.clone()).or_insert((event.clone(), 0));
                assert_eq!(entry.0, event, "a repeat is the same event");
                entry.1 += 1;
            }
            Err(fault) => {
                assert!(!delivery.valid);
                *broken.entry(fault.code).or_insert(0usize) += 1;
            }
        }
    }
    let events: Vec<_> = world().batches(Span::days(1)).flat_map(|b| b.events).collect();
    assert_eq!(seen.len(), events.len());
    assert!(events.iter().all(|e| seen[&e.event_id()].0 == e.user_event()));
    let n = events.len() as f64;
    let near = |count: usize, share: f64| (count as f64 - n * share).abs() < 4.0 * (n * share).sqrt();
    assert!(near(
        seen.values().filter(|(_, times)| *times == 2).count(),
        CARELESS.duplicate_share
    ));
    assert!(near(late, CARELESS.late_share + CARELESS.duplicate_share));
    assert!(near(broken.values().sum(), CARELESS.malformed_share));
    assert_eq!(broken.len(), 4, "{broken:?}");
}

#[test]
fn what_is_still_on_its_way_at_the_end_comes_last() {
    let world = world();
    let batches: Vec<_> = world.deliveries(Span::days(1), CARELESS).unwrap().collect();
    assert_eq!(batches.len(), 61);
    assert!(
        batches[60]
            .iter()
            .all(|d| d.arrives_at >= world.end() && d.arrives_at < Timestamp::MAX)
    );
    assert!(batches[59].iter().all(|d| d.arrives_at < world.end()));
}

#[test]
fn a_share_is_a_share() {
    let faults = Faults {
        late_share: 1.5,
        ..Faults::default()
    };
    let error = world().deliveries(Span::days(1), faults).unwrap_err();
    assert_eq!(
        error,
        SynthError::Share {
            field: "late_share",
            share: 1.5
        }
    );
    let nan = Faults {
        duplicate_share: f64::NAN,
        ..Faults::default()
    };
    assert!(world().deliveries(Span::days(1), nan).is_err());
}
