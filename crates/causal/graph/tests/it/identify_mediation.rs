//! Natural effects, certified on response-function models: where the criterion says yes its formula is the truth however
//! answers in different worlds hang together; where it says no, models that no data can tell apart disagree.
#![allow(clippy::unwrap_used)]

use crate::oracle::response::{COUPLINGS, Coupling};
use crate::oracle::twins::Family;
use crate::oracle::{Model, name, names, random_graph};
use ceteris_graph::Graph;
use ceteris_graph::identify::{Estimand, Query, Witness, mediate};
use std::collections::BTreeMap;

/// The largest difference between the formula and the truth over both values of everything free.
fn error(graph: &Graph, estimand: &Estimand, y: usize, m: u32, coupling: Coupling, seed: u64) -> f64 {
    let model = Model::new(graph, seed);
    let joint = model.joint();
    let mut worst: f64 = 0.0;
    for (a, r) in [(0, 1), (1, 0), (1, 1)] {
        let table = model.nested(0, m, a, r, coupling);
        for value in 0..2usize {
            let truth: f64 = (0..table.len())
                .filter(|c| c >> y & 1 == value)
                .map(|c| table[c])
                .sum();
            let free: BTreeMap<String, usize> = [
                ("A".to_owned(), a as usize),
                ("A'".to_owned(), r as usize),
                (name(y), value),
            ]
            .into();
            worst = worst.max((estimand.evaluate(&joint, &free).unwrap() - truth).abs());
        }
    }
    worst
}

/// Whether two models that the observed joint cannot tell apart differ in P(Y(a, M(r)) = 1).
fn disagreement(graph: &Graph, y: usize, m: u32, seed: u64) -> bool {
    let model = Model::new(graph, seed);
    for (a, r) in [(0, 1), (1, 0)] {
        let value = |coupling| -> f64 {
            let table = model.nested(0, m, a, r, coupling);
            (0..table.len())
                .filter(|c| c >> y & 1 == 1)
                .map(|c| table[c])
                .sum()
        };
        if (value(Coupling::Monotone) - value(Coupling::Independent)).abs() > 1e-9 {
            return true;
        }
        let family = Family::of(graph, 2);
        let target = family.nested_of(y, m, a, r, Coupling::Independent);
        let mut tries = (0..4).filter_map(|i| family.twins(&target, seed ^ i));
        if tries.any(|twins| twins.joint_apart < 1e-12 && twins.effect_apart > 1e-4) {
            return true;
        }
    }
    false
}

/// Every ADMG of three and four nodes, the first the treatment and the last the outcome, with every set of mediators.
#[test]
fn every_small_graph_is_certified() {
    let (mut yes, mut recanting, mut hedged, mut refuted) = (0, 0, 0, 0);
    for n in 3..=4usize {
        let pairs = n * (n - 1) / 2;
        for code in 0..1u32 << (2 * pairs) {
            let graph = random_graph(n, code & ((1 << pairs) - 1), code >> pairs);
            let inner = ((1u32 << n) - 1) & !(1 | 1 << (n - 1));
            for m in (1..1u32 << n).filter(|m| m & !inner == 0) {
                let answer = mediate(&graph, &Query::new("A", name(n - 1)), &names(m)).unwrap();
                match (answer.estimand, answer.witness) {
                    (Some(estimand), None) => {
                        yes += 1;
                        for coupling in COUPLINGS {
                            let off = error(&graph, &estimand, n - 1, m, coupling, u64::from(code));
                            assert!(
                                off < 1e-10,
                                "{off} {:?} {m:b} {}",
                                graph.edges(),
                                estimand.latex()
                            );
                        }
                    }
                    (None, Some(witness)) => {
                        match witness {
                            Witness::RecantingDistrict { .. } => recanting += 1,
                            Witness::Hedge { .. } => hedged += 1,
                            other => panic!("{other:?}"),
                        }
                        // Few latents, so that the search for twins is quick; every so many of four nodes.
                        let few = (code >> pairs).count_ones() <= 3;
                        if n == 3 || few && code % 37 == 5 {
                            assert!(
                                disagreement(&graph, n - 1, m, u64::from(code)),
                                "{:?} {m:b}",
                                graph.edges()
                            );
                            refuted += 1;
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(
        yes > 3000 && recanting > 100 && hedged > 100 && refuted > 50,
        "{yes} {recanting} {hedged} {refuted}"
    );
}

/// Avin, Shpitser & Pearl (2005), the kite: W answers to both values.
#[test]
fn a_recanting_witness_is_named() {
    let graph = Graph::parse("X -> W; W -> M; W -> Y; M -> Y; X -> Y").unwrap();
    let answer = mediate(&graph, &Query::new("X", "Y"), &["M"]).unwrap();
    assert_eq!(answer.identifiable, Some(false));
    assert_eq!(
        answer.witness.unwrap().to_string(),
        "the district {W} would have to answer to both values of the treatment: W on a way past the mediators, W on \
         one through them"
    );
    // With the witness among the mediators the ways part at the treatment.
    let both = mediate(&graph, &Query::new("X", "Y"), &["W", "M"]).unwrap();
    assert_eq!(both.identifiable, Some(true));
}

/// Pearl (2001), the mediation formula with a confounder of all.
#[test]
fn the_mediation_formula() {
    let graph = Graph::parse("X -> M -> Y; X -> Y; C -> X; C -> M; C -> Y").unwrap();
    let answer = mediate(&graph, &Query::new("X", "Y"), &["M"]).unwrap();
    assert_eq!(
        answer.latex.unwrap(),
        r"P(Y(X, M(X'))) = \sum_{M, C} P(M \mid X', C)\, P(Y \mid X, M, C)\, P(C)"
    );
    assert_eq!(
        answer.effects,
        [
            "natural direct effect: E[Y(X, M(X'))] - E[Y(X')]",
            "natural indirect effect: E[Y(X)] - E[Y(X, M(X'))]"
        ]
    );
    assert_eq!(answer.assumptions.len(), 1);
}

#[test]
fn a_latent_cause_of_mediator_and_outcome_recants_across_a_district() {
    let graph = Graph::parse("X -> M -> Y; X -> Y; M <-> Y").unwrap();
    match mediate(&graph, &Query::new("X", "Y"), &["M"]).unwrap().witness {
        Some(Witness::RecantingDistrict {
            district,
            direct,
            mediated,
        }) => {
            assert_eq!(
                (district, direct, mediated),
                (vec!["M".into(), "Y".into()], "Y".into(), "M".into())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn mediators_that_cannot_be_are_named() {
    let graph = Graph::parse("X -> M -> Y; U -> M; U [latent]").unwrap();
    let error = mediate(&graph, &Query::new("X", "Y"), &["U", "X", "Q"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "mediator U is latent; X is both treatment and mediator; mediator Q is not a node of the graph"
    );
    let two = mediate(&graph, &Query::of(["X", "M"], ["Y"]), &["M"])
        .unwrap_err()
        .to_string();
    assert!(
        two.starts_with("mediation, which takes no conditions, is of one treatment on one outcome"),
        "{two}"
    );
    let spent = mediate(
        &graph,
        &Query {
            steps_max: 2,
            ..Query::new("X", "Y")
        },
        &["M"],
    )
    .unwrap();
    assert_eq!(
        (spent.identifiable, spent.estimand, spent.witness),
        (None, None, None)
    );
}
