//! The features engine and the world's own scans agree, to the last bit, on the problem file as it ships.

use ceteris_contract::event::UserEvent;
use ceteris_contract::identity::IdentityKey;
use ceteris_contract::problem::Problem;
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_features::{Applied, UnitState, ViewSet};
use ceteris_synth::ecommerce::{World, WorldConfig};

const PROBLEM: &str = include_str!("../../../../deploy/problems/ecommerce.yaml");

fn vector(views: &ViewSet, state: &UnitState, at: Timestamp) -> Vec<(String, Value)> {
    let values = state.vector(views, at).into_iter().map(|v| v.value);
    views.names().map(str::to_owned).zip(values).collect()
}

#[test]
fn every_opportunity_has_the_features_that_the_engine_yields() {
    let problem = Problem::from_yaml(PROBLEM).unwrap();
    let views = ViewSet::compile(&problem).unwrap();
    let (seed, users, days) = (12, 150, 70);
    let world = World::new(WorldConfig { seed, users, days }).unwrap();
    let key = IdentityKey::new([4; 32]);
    let mut compared = 0;
    for id in world.user_ids() {
        let life = world.life(&id).unwrap();
        let mut state = UnitState::new(&views);
        let mut opportunities = life.opportunities.iter().peekable();
        for event in &life.events {
            while let Some(o) = opportunities.next_if(|o| o.t <= event.at) {
                let truth = o.features.values();
                for (name, value) in vector(&views, &state, o.t) {
                    assert_eq!(value, truth[&name], "{name} of {id} at {}", o.t);
                    compared += 1;
                }
            }
            let stored = UserEvent::parse(&event.payload())
                .unwrap()
                .into_stored(&key, event.at);
            let applied = state.apply(&views, &stored);
            assert!(
                matches!(applied, Applied::Counted | Applied::Irrelevant),
                "{applied:?}"
            );
        }
    }
    assert!(compared > 7 * 400, "{compared}");
}

#[test]
fn the_problem_names_what_the_world_sends() {
    let problem = Problem::from_yaml(PROBLEM).unwrap();
    for arm in ceteris_synth::ecommerce::Arm::ALL {
        let (treatment, _) = problem.arm(arm.id()).unwrap();
        assert_eq!(treatment.name, arm.treatment());
    }
    assert_eq!(
        problem.primary_outcome().window(),
        ceteris_synth::ecommerce::WINDOW
    );
}
