//! Derivations by do-calculus: there is one for every identifiable query, each step holds when checked again, the result
//! is the truth in random models, and a proof that was tampered with is refused.
#![allow(clippy::unwrap_used)]

use crate::oracle::{Model, mix, name, names, random_graph};
use ceteris_graph::Graph;
use ceteris_graph::identify::calculus::{Derivation, DeriveError, Formula, Rule, VerifyError, derive};
use ceteris_graph::identify::{Query, Strategy, identify};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use std::collections::BTreeMap;

fn case() -> impl Generator<Value = (Graph, u32, u32, u32, u64)> {
    (
        2usize..=5,
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
        prop::collection::vec(0u8..4, 5),
        any::<u64>(),
    )
        .prop_map(|(n, directed, bidirected, fewer, roles, seed)| {
            let graph = random_graph(n, directed, bidirected & fewer);
            let mask = |role: u8| (0..n).filter(|&v| roles[v] == role).fold(0u32, |m, v| m | 1 << v);
            // Nodes 0 and n - 1 are the ends of any graph that has no others.
            let (x, y) = (mask(0) & !(1 << (n - 1)) | 1, mask(1) & !1 | 1 << (n - 1));
            (graph, x & !y, y, mask(2) & !(x | y), seed)
        })
}

/// The largest difference between a derivation's result and the truth; variables that nothing settles take any value.
fn error(graph: &Graph, proof: &Derivation, x: u32, y: u32, z: u32, seed: u64) -> f64 {
    let model = Model::new(graph, seed);
    let joint = model.joint();
    let estimand = proof.result.estimand().unwrap();
    let asked = x | y | z;
    let error = |values: u32| {
        let any = values | (mix(seed ^ u64::from(values)) as u32 & !asked);
        let free: BTreeMap<String, usize> = (0..graph.len())
            .map(|v| (name(v), (any >> v & 1) as usize))
            .collect();
        (estimand.evaluate(&joint, &free).unwrap() - model.effect(x, y, z, values)).abs()
    };
    (0..1u32 << graph.len())
        .filter(|v| v & !asked == 0)
        .map(error)
        .fold(0.0, f64::max)
}

fn certified(graph: &Graph, x: u32, y: u32, z: u32, seed: u64) -> Option<Derivation> {
    let query = Query::of(names(x), names(y)).given(names(z)).by(Strategy::Id);
    let verdict = identify(graph, &query).unwrap().identifiable;
    match derive(graph, &query) {
        Ok(proof) => {
            assert_eq!(verdict, Some(true));
            assert_eq!(
                proof.verify(graph),
                Ok(()),
                "{:?}\n{}",
                graph.edges(),
                proof.text()
            );
            let off = error(graph, &proof, x, y, z, seed);
            assert!(off < 1e-10, "{off} {:?}\n{}", graph.edges(), proof.text());
            Some(proof)
        }
        Err(DeriveError::NotIdentifiable(_)) => {
            assert_eq!(verdict, Some(false));
            None
        }
        Err(error) => panic!("{error}: {:?} {x:b} {y:b} {z:b}", graph.edges()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_identifiable_query_has_a_derivation((graph, x, y, z, seed) in case()) {
        certified(&graph, x, y, z, seed);
    }

    /// Whatever is changed in a step, the check sees it or the step is right anyway; it never lets a false result pass.
    #[test]
    fn a_proof_of_another_graph_proves_nothing((graph, x, y, z, seed) in case(), other in any::<u32>()) {
        let Some(proof) = certified(&graph, x, y, z, seed) else { return Ok(()) };
        let wider = random_graph(graph.len(), u32::MAX, other);
        if proof.verify(&wider).is_ok() {
            prop_assert!(error(&wider, &proof, x, y, z, seed) < 1e-10);
        }
    }
}

#[test]
fn every_pair_in_four_nodes_has_a_derivation_or_a_hedge() {
    let mut proofs = 0;
    for code in 0..4096u32 {
        let graph = random_graph(4, code & 63, code >> 6);
        for (x, y) in [(0, 3), (1, 3), (1, 2), (2, 3)] {
            proofs += usize::from(certified(&graph, 1 << x, 1 << y, 0, u64::from(code)).is_some());
        }
    }
    assert!(proofs > 4000, "{proofs}");
}

#[test]
fn the_back_door_is_proved_by_rules_two_and_three() {
    let graph = Graph::parse("Z -> X -> Y; Z -> Y").unwrap();
    let proof = derive(&graph, &Query::new("X", "Y")).unwrap();
    assert_eq!(
        proof.text(),
        "P(Y | do(X))\n  \
         = sum_{Z} P(Z, Y | do(X))    [sum over Z]\n  \
         = sum_{Z} P(Z | do(X)) P(Y | do(X), Z)    [chain rule]\n  \
         = sum_{Z} P(Z) P(Y | do(X), Z)    [rule 3: Z is independent of X in the graph without arrows into X]\n  \
         = sum_{Z} P(Z) P(Y | Z, X)    [rule 2: Y is independent of X given Z in the graph without arrows out of X]"
    );
}

#[test]
fn the_front_door_is_proved_to_be_pearls_formula() {
    let graph = Graph::parse("X -> Z -> Y; X <-> Y").unwrap();
    let proof = derive(&graph, &Query::new("X", "Y")).unwrap();
    assert_eq!(
        proof.result.text(),
        "sum_{Z} P(Z | X) sum_{X'} P(X') P(Y | X', Z)"
    );
    let rules: Vec<Rule> = proof.steps.iter().map(|step| step.rule).collect();
    assert!(
        rules.contains(&Rule::Exchange) && rules.contains(&Rule::Actions),
        "{rules:?}"
    );
    let text = serde_json::to_string(&proof).unwrap();
    assert_eq!(serde_json::from_str::<Derivation>(&text).unwrap(), proof);
}

#[test]
fn a_tampered_proof_is_refused() {
    let graph = Graph::parse("Z -> X -> Y; Z -> Y").unwrap();
    let proof = derive(&graph, &Query::new("X", "Y")).unwrap();
    // The confounder is forgotten.
    let mut forgetful = proof.clone();
    let p = |of: &str, actions: &[&str], given: &[&str]| {
        let all = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Formula::P {
            of: vec![of.to_owned()],
            actions: all(actions),
            given: all(given),
        }
    };
    forgetful.steps.truncate(1);
    forgetful.steps[0].rule = Rule::Exchange;
    forgetful.steps[0].to = p("Y", &[], &["X"]);
    forgetful.result = p("Y", &[], &["X"]);
    let error = forgetful.verify(&graph).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step 1: it is not so that rule 2: Y is independent of X in the graph without arrows out of X"
    );
    // A step that stands elsewhere, a step too few, and another result.
    let mut moved = proof.clone();
    moved.steps[2].at = vec![0, 1];
    assert!(matches!(
        moved.verify(&graph),
        Err(VerifyError::Step { step: 3, .. })
    ));
    let mut short = proof.clone();
    short.steps.pop();
    assert!(matches!(short.verify(&graph), Err(VerifyError::Result(_))));
    let mut other = proof.clone();
    other.result = p("Y", &[], &["X"]);
    assert!(matches!(other.verify(&graph), Err(VerifyError::Result(_))));
    // The laws of probability are checked as well as the rules.
    let mut lawless = proof.clone();
    if let Formula::Sum { over, .. } = &mut lawless.steps[0].to {
        *over = vec!["X'".to_owned()];
    }
    assert!(matches!(
        lawless.verify(&graph),
        Err(VerifyError::Step { step: 1, .. })
    ));
}

#[test]
fn a_small_budget_ends_the_search() {
    let graph = Graph::parse("X -> Z -> Y; X <-> Y").unwrap();
    for steps_max in [3, 60, 150, 300] {
        let query = Query {
            steps_max,
            ..Query::new("X", "Y")
        };
        match derive(&graph, &query) {
            Ok(proof) => assert_eq!(proof.verify(&graph), Ok(())),
            Err(error) => assert!(
                matches!(error, DeriveError::Spent { steps_max: told, .. } if told == steps_max),
                "{error}"
            ),
        }
    }
}
