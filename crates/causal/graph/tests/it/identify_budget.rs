//! What a spent budget leaves: unknown, never no, and every part that was proved before it ran out. And hostile
//! queries.
#![allow(clippy::unwrap_used)]

use crate::oracle::{Model, name};
use ceteris_graph::identify::calculus::{DeriveError, derive};
use ceteris_graph::identify::{
    DistrictFactor, Query, Strategy, TestableImplications, direct_effect, identify, mediate,
    testable_implications, verma_constraints,
};
use ceteris_graph::{Clock, Graph, Role};
use std::collections::BTreeMap;

const NAPKIN: &str = "A -> B -> C -> D; A <-> C; A <-> D";

/// Whether a c-factor is the distribution of its district under an intervention on all else, in a random model.
fn is_right(graph: &Graph, factor: &DistrictFactor) -> bool {
    let model = Model::new(graph, 7);
    let joint = model.joint();
    let district = factor
        .district
        .iter()
        .fold(0u32, |m, v| m | 1 << graph.id(v).unwrap().index());
    let others = ((1u32 << graph.len()) - 1) & !district;
    (0..1u32 << graph.len()).all(|values| {
        let free: BTreeMap<String, usize> = (0..graph.len())
            .map(|v| (name(v), (values >> v & 1) as usize))
            .collect();
        let value = factor.estimand.evaluate(&joint, &free).unwrap();
        (value - model.effect(others, district, 0, values)).abs() < 1e-10
    })
}

fn with(steps_max: u64, query: Query) -> Query {
    Query { steps_max, ..query }
}

#[test]
fn the_general_algorithm_gives_the_factors_it_had_when_the_budget_ran_out() {
    // Two districts: {B} is plain, {D} needs the quotient of the napkin.
    let graph = Graph::parse("A -> B -> C -> D; C -> E; A <-> C; A <-> D").unwrap();
    let mut partial = 0;
    for steps in 0..40_000 {
        let query = with(steps, Query::of(["C"], ["D", "E"]).by(Strategy::Id).brief());
        let answer = identify(&graph, &query).unwrap();
        if answer.identifiable == Some(true) {
            assert!(answer.factors.is_empty() && answer.unfinished.is_empty());
            break;
        }
        assert_eq!(answer.identifiable, None);
        assert!(!answer.unfinished.is_empty());
        assert!(
            answer.factors.iter().all(|factor| is_right(&graph, factor)),
            "{answer:?}"
        );
        partial += usize::from(!answer.factors.is_empty());
    }
    assert!(partial > 0);
}

#[test]
fn a_derivation_cut_short_holds_as_far_as_it_goes() {
    let graph = Graph::parse(NAPKIN).unwrap();
    let whole = derive(&graph, &Query::new("C", "D")).unwrap();
    let mut longest = 0;
    for steps in 0..200_000 {
        match derive(&graph, &with(steps, Query::new("C", "D"))) {
            Ok(proof) => {
                assert_eq!(proof, whole);
                break;
            }
            Err(DeriveError::Spent { steps_max, so_far }) => {
                assert_eq!(steps_max, steps);
                let Some(part) = so_far else { continue };
                part.verify_steps(&graph).unwrap();
                assert_eq!(part.steps, whole.steps[..part.steps.len()]);
                assert!(
                    part.steps.is_empty() || part.verify(&graph).is_err(),
                    "{}",
                    part.text()
                );
                longest = longest.max(part.steps.len());
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(longest > 0 && longest < whole.steps.len(), "{longest}");
}

#[test]
fn mediation_cut_short_keeps_its_factors() {
    let graph = Graph::parse("A -> B -> C; A -> C").unwrap();
    let mut partial = 0;
    for steps in 0..1000 {
        let answer = mediate(&graph, &with(steps, Query::new("A", "C")), &["B"]).unwrap();
        if answer.identifiable == Some(true) {
            assert!(answer.unfinished.is_empty());
            assert!(partial > 0);
            return;
        }
        assert_eq!((answer.identifiable, answer.witness), (None, None));
        assert!(["projection", "estimand"].contains(&answer.unfinished[0].as_str()));
        assert!(answer.factors.iter().all(|factor| is_right(&graph, factor)));
        partial += usize::from(!answer.factors.is_empty());
    }
    panic!("never identified");
}

#[test]
fn a_latent_node_with_too_many_effects_leaves_everything_unknown() {
    let effects: String = (0..3000).map(|v| format!("U -> v{v}\n")).collect();
    let graph = Graph::parse(&format!("U [latent]\n{effects}v0 -> v1")).unwrap();
    let query = with(1_000_000, Query::new("v0", "v1"));
    let answer = identify(&graph, &query).unwrap();
    assert_eq!(answer.identifiable, None);
    // Every list that depends on it is unfinished too.
    assert_eq!(
        answer.unfinished,
        [
            "projection",
            "adjustment_sets",
            "instruments",
            "testable_implications"
        ]
    );
    assert!(matches!(
        derive(&graph, &query),
        Err(DeriveError::Spent { so_far: None, .. })
    ));
    let mediated = mediate(&graph, &query, &["v2"]).unwrap();
    assert_eq!(
        (mediated.identifiable, mediated.unfinished),
        (None, vec!["projection".to_owned()])
    );
    let direct = direct_effect(&graph, &query).unwrap();
    assert_eq!(
        (direct.edge, direct.complete, direct.controlled.identifiable),
        (None, false, None)
    );
    assert_eq!(verma_constraints(&graph, 10, 1_000_000), (Vec::new(), false));
    let implied = testable_implications(&graph, &graph.observed(), 10, 1_000_000);
    assert_eq!(implied, TestableImplications::default());
}

#[test]
fn questions_that_contradict_themselves_are_refused_with_every_fault() {
    let graph = Graph::parse("X -> Y; Z -> X; Z -> Y; M [clock=mediator]; M -> Y").unwrap();
    let query = Query {
        treatments: vec!["X".into(), "X".into()],
        forbidden: vec!["Z".into()],
        required: vec!["Z".into(), "M".into()],
        forbidden_clocks: vec![Clock::Mediator],
        ..Query::new("X", "Y")
    };
    assert_eq!(
        identify(&graph, &query).unwrap_err().to_string(),
        "treatment X is named more than once; Z is both required and forbidden; M is both required and forbidden"
    );
    let nobody = Query::of::<&str, &str>([], []);
    assert_eq!(
        identify(&graph, &nobody).unwrap_err().to_string(),
        "no treatment is named; no outcome is named"
    );
    let empty = Graph::parse(r#"{"nodes": [], "edges": []}"#).unwrap();
    assert!(identify(&empty, &Query::new("X", "Y")).is_err());
    assert!(empty.to_svg().ends_with("</svg>\n"));
}

#[test]
fn costs_without_measure_neither_overflow_nor_run_forever() {
    let graph = Graph::parse("A -> X; A -> B -> Y; C -> X; C -> D -> Y; X -> Y").unwrap();
    let costs = [("A", u64::MAX), ("B", u64::MAX), ("C", u64::MAX), ("D", 3)];
    let query = Query {
        costs: costs.map(|(name, cost)| (name.to_owned(), cost)).into(),
        ..Query::new("X", "Y")
    };
    let answer = identify(&graph, &query).unwrap();
    let cheapest = answer.cheapest_adjustment_set.unwrap();
    assert!(
        cheapest.contains(&"D".to_owned()) && cheapest.len() == 2,
        "{cheapest:?}"
    );
    assert!(answer.unfinished.is_empty(), "{:?}", answer.unfinished);
}

#[test]
fn a_selected_sample_shows_path_coefficients_only_where_the_outcome_is_apart_from_the_selection() {
    let doors = |text: &str| {
        let graph = Graph::parse(text).unwrap();
        direct_effect(&graph, &Query::new("X", "Y")).unwrap()
    };
    assert_eq!(
        doors("X -> Y; Z -> X; Z -> Y; Z -> S; S [selected]").single_door_sets,
        [["Z"]]
    );
    assert!(doors("X -> Y; Y -> S; S [selected]").single_door_sets.is_empty());
    // What the sample holds fixed cannot be set: it is no question, and no error either.
    let held = doors("X -> Y; S -> Y; S [selected]");
    assert!(held.held.is_empty() && held.single_door_sets.is_empty());
    assert_eq!(held.controlled.identifiable, Some(false));
}

#[test]
fn roles_do_not_decide() {
    // A node called an instrument that is a confounder is adjusted for all the same.
    let graph = Graph::parse("X -> Y; Z -> X; Z -> Y; Z [role=instrument]").unwrap();
    assert_eq!(graph.node(graph.id("Z").unwrap()).role, Some(Role::Instrument));
    let answer = identify(&graph, &Query::new("X", "Y")).unwrap();
    assert_eq!(
        (answer.adjustment_sets, answer.instruments),
        (vec![vec!["Z".to_owned()]], Vec::new())
    );
}
