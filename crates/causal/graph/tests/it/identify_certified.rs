//! Certification: on random ADMGs every verdict is compared with an independent search, every estimand with truncated
//! factorisation on random binary models.
#![allow(clippy::disallowed_methods, reason = "tests read the environment and files")]
#![allow(clippy::unwrap_used)]

use crate::oracle::{Model, Small, name, names, random_graph, set};
use ceteris_graph::identify::{
    Estimand, Query, Strategy, Witness, identify, is_adjustment_set, minimal_adjustment_sets,
};
use ceteris_graph::{Graph, NodeSet};
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use std::collections::BTreeMap;

/// A graph of 2 to 5 nodes, a random query on it and a seed. Bidirected bits are thinned: dense graphs identify nothing.
fn case() -> impl Generator<Value = (Graph, u32, u32, u32, u64)> {
    (
        2usize..=5,
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
        prop::collection::vec(0u8..4, 5),
        any::<u64>(),
    )
        .prop_map(|(n, directed, more, bidirected, fewer, roles, seed)| {
            let graph = random_graph(n, directed | more & directed.rotate_left(7), bidirected & fewer);
            let mask = |role: u8| (0..n).filter(|&v| roles[v] == role).fold(0u32, |m, v| m | 1 << v);
            (graph, mask(0), mask(1), mask(2), seed)
        })
        .prop_filter("treatment and outcome", |(_, x, y, _, _)| *x != 0 && *y != 0)
}

fn mask_of(graph: &Graph, names: &[String]) -> u32 {
    names
        .iter()
        .fold(0, |mask, name| mask | 1 << graph.id(name).unwrap().index())
}

/// The largest difference between the estimand and the truth over all values of the query's variables.
fn error(graph: &Graph, estimand: &Estimand, x: u32, y: u32, z: u32, seed: u64) -> f64 {
    let model = Model::new(graph, seed);
    let joint = model.joint();
    let mut worst: f64 = 0.0;
    for values in 0..1u32 << graph.len() {
        if values & !(x | y | z) != 0 {
            continue;
        }
        let free: BTreeMap<String, usize> = (0..graph.len())
            .filter(|v| (x | y | z) >> v & 1 == 1)
            .map(|v| (name(v), (values >> v & 1) as usize))
            .collect();
        let value = estimand.evaluate(&joint, &free).unwrap();
        worst = worst.max((value - model.effect(x, y, z, values)).abs());
    }
    worst
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn id_agrees_with_hedges_and_truncated_factorisation((graph, x, y, _, seed) in case()) {
        let answer = identify(&graph, &Query::of(names(x), names(y)).by(Strategy::Id)).unwrap();
        let small = Small::of(&graph);
        prop_assert_eq!(answer.identifiable, Some(!small.hedged(x, y)), "{:?}", graph.edges());
        match (&answer.estimand, &answer.witness) {
            (Some(estimand), None) => prop_assert!(
                error(&graph, estimand, x, y, 0, seed) < 1e-10, "{:?} {}", graph.edges(), estimand.latex()
            ),
            (None, Some(Witness::Hedge { forest, inner, .. })) => prop_assert!(
                small.is_hedge(mask_of(&graph, forest), mask_of(&graph, inner), x, y), "{:?}", graph.edges()
            ),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn every_strategy_tells_the_truth((graph, x, y, z, seed) in case()) {
        for strategy in [Strategy::Auto, Strategy::Backdoor, Strategy::Frontdoor, Strategy::Id] {
            let query = Query::of(names(x), names(y)).given(names(z)).by(strategy);
            let answer = identify(&graph, &query).unwrap();
            prop_assert!(answer.identifiable.is_some());
            prop_assert_eq!(answer.identifiable == Some(true), answer.estimand.is_some());
            prop_assert_eq!(answer.identifiable == Some(false), answer.witness.is_some());
            if matches!(strategy, Strategy::Auto | Strategy::Id) && answer.identifiable == Some(false) {
                // A conditional effect follows from the joint one, so that must be out of reach too.
                prop_assert!(Small::of(&graph).hedged(x, y | z));
            }
            if matches!(strategy, Strategy::Auto | Strategy::Id) {
                let out_of_reach = Small::of(&graph).conditionally_hedged(x, y, z);
                prop_assert_eq!(answer.identifiable, Some(!out_of_reach), "{:?} {:b} {:b} {:b}", graph.edges(), x, y, z);
            }
            if let Some(estimand) = &answer.estimand {
                let off = error(&graph, estimand, x, y, z, seed);
                prop_assert!(off < 1e-10, "{:?} {} {:?} {}", strategy, off, graph.edges(), estimand.latex());
            }
        }
    }

    #[test]
    fn a_brief_answer_decides_the_same((graph, x, y, z, _) in case()) {
        for strategy in [Strategy::Auto, Strategy::Backdoor, Strategy::Frontdoor, Strategy::Id, Strategy::Iv] {
            let query = Query::of(names(x), names(y)).given(names(z)).by(strategy);
            let (whole, brief) = (identify(&graph, &query).unwrap(), identify(&graph, &query.brief()).unwrap());
            prop_assert_eq!(whole.identifiable, brief.identifiable);
            prop_assert_eq!((whole.strategy, whole.witness), (brief.strategy, brief.witness), "{:?}", graph.edges());
            prop_assert_eq!(whole.estimand, brief.estimand);
            prop_assert!(brief.testable_implications.is_empty());
        }
    }

    #[test]
    fn adjustment_sets_are_valid_minimal_and_all((graph, x, y, _, seed) in case()) {
        let rest = ((1u32 << graph.len()) - 1) & !(x | y);
        let subsets: Vec<u32> = (0..1u32 << graph.len()).filter(|s| s & !rest == 0).collect();
        let valid: Vec<u32> =
            subsets.iter().copied().filter(|&s| is_adjustment_set(&graph, &set(x), &set(y), &set(s))).collect();
        let mut minimal: Vec<NodeSet> = valid
            .iter()
            .filter(|&&s| !valid.iter().any(|&t| t != s && t & !s == 0))
            .map(|&s| set(s))
            .collect();
        let (mut listed, complete) = minimal_adjustment_sets(&graph, &set(x), &set(y), &graph.all(), 1000, 1 << 30);
        prop_assert!(complete);
        minimal.sort();
        listed.sort();
        prop_assert_eq!(&listed, &minimal, "{:?}", graph.edges());
        // The criterion itself: the adjustment formula is the truth where it says yes, and on some model false where no.
        let (xs, ys) = (names(x), names(y));
        for s in subsets {
            let over = names(s);
            let outcome = Estimand::P { of: ys.clone(), given: [xs.clone(), over.clone()].concat() };
            let formula = if s == 0 { outcome } else {
                let weight = Estimand::P { of: over.clone(), given: vec![] };
                Estimand::Sum { over, body: Box::new(Estimand::Product(vec![outcome, weight])) }
            };
            // One model may come near equality by accident; three do not.
            let off = (0..3).map(|i| error(&graph, &formula, x, y, 0, seed ^ i)).fold(0.0, f64::max);
            prop_assert_eq!(off < 1e-10, valid.contains(&s), "{} {:?} {}", off, graph.edges(), formula.latex());
        }
    }

    #[test]
    fn implied_independences_hold((graph, x, y, _, _) in case()) {
        let answer = identify(&graph, &Query::of(names(x), names(y))).unwrap();
        let small = Small::of(&graph);
        for claim in &answer.testable_implications {
            let (a, b) = (graph.id(&claim.left).unwrap().index(), graph.id(&claim.right).unwrap().index());
            let given = mask_of(&graph, &claim.given);
            prop_assert!(small.separated(a, b, given));
            // Minimal: no part of it separates.
            let mut parts = (0..given).filter(|part| part & !given == 0);
            prop_assert!(parts.all(|part| !small.separated(a, b, part)), "{:?}", graph.edges());
        }
        for a in 0..graph.len() {
            for b in a + 1..graph.len() {
                let separable = (0..1u32 << graph.len())
                    .any(|z| z >> a & 1 == 0 && z >> b & 1 == 0 && small.separated(a, b, z));
                let claimed = answer.testable_implications.iter().any(|c| c.left == name(a) && c.right == name(b));
                prop_assert_eq!(separable, claimed);
            }
        }
    }

    #[test]
    fn a_spent_budget_never_says_no((graph, x, y, z, _) in case(), steps in 0u64..400) {
        for strategy in [Strategy::Auto, Strategy::Backdoor, Strategy::Frontdoor, Strategy::Id] {
            let mut query = Query::of(names(x), names(y)).given(names(z)).by(strategy);
            let full = identify(&graph, &query).unwrap().identifiable;
            query.steps_max = steps;
            let cut = identify(&graph, &query).unwrap();
            prop_assert!(cut.identifiable.is_none() || cut.identifiable == full);
        }
    }
}

/// Every ADMG of up to four nodes (in one topological order, which is all of them up to names) and every pair of sets.
#[test]
fn every_small_graph_is_certified() {
    let (mut identified, mut refused, mut ratios) = (0, 0, 0);
    for n in 2..=4usize {
        let pairs = n * (n - 1) / 2;
        for code in 0..1u32 << (2 * pairs) {
            let graph = random_graph(n, code & ((1 << pairs) - 1), code >> pairs);
            let small = Small::of(&graph);
            for (x, y) in (1..1u32 << n)
                .flat_map(|x| (1..1u32 << n).map(move |y| (x, y)))
                .filter(|(x, y)| x & y == 0)
            {
                let query = Query::of(names(x), names(y)).by(Strategy::Id).brief();
                let answer = identify(&graph, &query).unwrap();
                assert_eq!(
                    answer.identifiable,
                    Some(!small.hedged(x, y)),
                    "{:?} {x:b} {y:b}",
                    graph.edges()
                );
                let Some(estimand) = answer.estimand else {
                    refused += 1;
                    continue;
                };
                identified += 1;
                ratios += usize::from(estimand.latex().contains("frac"));
                let off = error(&graph, &estimand, x, y, 0, u64::from(code));
                assert!(off < 1e-10, "{off} {:?} {}", graph.edges(), estimand.latex());
            }
        }
    }
    assert_eq!(identified + refused, 4 * 2 + 64 * 12 + 4096 * 50);
    assert!(refused > 1000 && ratios > 0, "{refused} {ratios}");
}

/// Every conditional effect on graphs of three nodes, and on every so many of four; `CETERIS_TWINS` takes all of four.
#[test]
fn every_small_conditional_effect_is_certified() {
    let (mut identified, mut refused) = (0, 0);
    for n in 3..=4usize {
        let pairs = n * (n - 1) / 2;
        let stride = if n == 3 || std::env::var_os("CETERIS_TWINS").is_some() {
            1
        } else {
            13
        };
        for code in (0..1u32 << (2 * pairs)).step_by(stride) {
            let graph = random_graph(n, code & ((1 << pairs) - 1), code >> pairs);
            let small = Small::of(&graph);
            for roles in 0..4u32.pow(n as u32) {
                let mask = |role| {
                    (0..n)
                        .filter(|v| roles >> (2 * v) & 3 == role)
                        .fold(0u32, |m, v| m | 1 << v)
                };
                let (x, y, z) = (mask(1), mask(2), mask(3));
                if x == 0 || y == 0 || z == 0 {
                    continue;
                }
                let query = Query::of(names(x), names(y))
                    .given(names(z))
                    .by(Strategy::Id)
                    .brief();
                let answer = identify(&graph, &query).unwrap();
                let expected = !small.conditionally_hedged(x, y, z);
                assert_eq!(
                    answer.identifiable,
                    Some(expected),
                    "{:?} {x:b} {y:b} {z:b}",
                    graph.edges()
                );
                match answer.estimand {
                    Some(estimand) => {
                        identified += 1;
                        let off = error(&graph, &estimand, x, y, z, u64::from(code));
                        assert!(off < 1e-10, "{off} {:?} {}", graph.edges(), estimand.latex());
                    }
                    None => refused += 1,
                }
            }
        }
    }
    assert!(identified > 10_000 && refused > 5_000, "{identified} {refused}");
}
