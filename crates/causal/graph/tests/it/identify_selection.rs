//! Selected samples, required nodes, costs and direct effects, each against enumeration or random models.
#![allow(clippy::unwrap_used)]

use crate::oracle::{Model, Small, name, names, random_graph, set};
use ceteris_graph::identify::{
    Query, Strategy, Witness, direct_effect, estimands_changed, identify, is_adjustment_set,
    is_selected_adjustment_set, queries_of_roles,
};
use ceteris_graph::{Graph, GraphBuilder, NodeSet};
use proptest::prelude::*;

/// The same graph with one node made a selection node.
fn selecting(graph: &Graph, s: usize) -> Graph {
    let mut builder = GraphBuilder::new();
    for (id, node) in graph.nodes() {
        let node = node.clone();
        builder = builder.node(if id.index() == s { node.selected() } else { node });
    }
    for edge in graph.edges() {
        builder = builder.edge(edge);
    }
    builder.build().unwrap()
}

/// The largest difference between sum_z P(y | x, z, s = 1) P(z | s = 1) and P(y | do(x)) in one random model.
fn adjustment_error(graph: &Graph, x: u32, y: u32, z: u32, s: u32, seed: u64) -> f64 {
    let model = Model::new(graph, seed);
    let joint = model.under(0, 0);
    let total = |mask: u32, values: u32| -> f64 {
        let holds = |c: &usize| (*c as u32 ^ (values | s)) & (mask | s) == 0;
        (0..joint.len()).filter(holds).map(|c| joint[c]).sum()
    };
    let subsets = |of: u32| (0..1u32 << graph.len()).filter(move |v| v & !of == 0);
    let error = |ends: u32| {
        let formula: f64 = subsets(z)
            .map(|zs| total(x | y | z, ends | zs) / total(x | z, ends | zs) * total(z, zs) / total(0, 0))
            .sum();
        (formula - model.effect(x, y, 0, ends)).abs()
    };
    subsets(x | y).map(error).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adjustment_from_a_selected_sample_is_right_just_when_the_criterion_says_so(
        n in 3usize..=5, d in any::<u32>(), b in any::<u32>(), c in any::<u32>(), ends in (0usize..5, 0usize..5, 0usize..5), seed in any::<u64>(),
    ) {
        let mut left: Vec<usize> = (0..n).collect();
        let (x, y, s) = (left.remove(ends.0 % n), left.remove(ends.1 % (n - 1)), left.remove(ends.2 % (n - 2)));
        let graph = random_graph(n, d, b & c);
        let (xm, ym, sm) = (1u32 << x, 1u32 << y, 1u32 << s);
        let rest = ((1u32 << n) - 1) & !(xm | ym | sm);
        let mut any = false;
        for z in (0..1u32 << n).filter(|z| z & !rest == 0) {
            let says = is_selected_adjustment_set(&graph, &set(xm), &set(ym), &set(z), &set(sm));
            // One model may come near equality by accident; three do not.
            let off = (0..3).map(|i| adjustment_error(&graph, xm, ym, z, sm, seed ^ i)).fold(0.0, f64::max);
            prop_assert_eq!(says, off < 1e-10, "{:?} {} {} {} {:b} {}", graph.edges(), x, y, s, z, off);
            any |= says;
        }
        let answer = identify(&selecting(&graph, s), &Query::new(name(x), name(y))).unwrap();
        prop_assert_eq!(answer.identifiable == Some(true), any);
        prop_assert_eq!(answer.identifiable == Some(true), !answer.adjustment_sets.is_empty());
        for found in &answer.adjustment_sets {
            let z: NodeSet = found.iter().map(|v| graph.id(v).unwrap()).collect();
            prop_assert!(is_selected_adjustment_set(&graph, &set(xm), &set(ym), &z, &set(sm)));
        }
        prop_assert_eq!(answer.selected, [name(s)]);
    }

    #[test]
    fn required_nodes_are_in_every_set_and_the_cheapest_set_costs_least(
        n in 3usize..=6, d in any::<u32>(), b in any::<u32>(), c in any::<u32>(), ends in (0usize..6, 0usize..6),
        must in 0u32..64, costs in prop::collection::vec(0u64..5, 6),
    ) {
        let (x, y) = (ends.0 % n, ends.1 % n);
        prop_assume!(x != y);
        let graph = random_graph(n, d, b & c);
        let rest = ((1u32 << n) - 1) & !(1 << x | 1 << y);
        // Half of the time nothing is required.
        let must = if must & 1 == 0 { must & rest } else { 0 };
        let valid: Vec<u32> = (0..1u32 << n)
            .filter(|z| z & !rest == 0 && z & must == must)
            .filter(|&z| is_adjustment_set(&graph, &set(1 << x), &set(1 << y), &set(z)))
            .collect();
        let mut minimal: Vec<Vec<String>> = valid
            .iter()
            .filter(|&&z| !valid.iter().any(|&t| t != z && t & !z == 0))
            .map(|&z| names(z))
            .collect();
        let query = Query {
            required: names(must),
            costs: (0..n).map(|v| (name(v), costs[v])).collect(),
            ..Query::new(name(x), name(y)).by(Strategy::Backdoor)
        };
        let answer = identify(&graph, &query).unwrap();
        let mut listed = answer.adjustment_sets.clone();
        minimal.sort();
        listed.sort();
        prop_assert_eq!(&listed, &minimal, "{:?}", graph.edges());
        let cost = |z: u32| -> u64 { (0..n).filter(|v| z >> v & 1 == 1).map(|v| costs[v]).sum() };
        match answer.cheapest_adjustment_set {
            Some(cheapest) => {
                prop_assert!(minimal.contains(&cheapest), "{:?} {:?}", graph.edges(), cheapest);
                let mask = cheapest.iter().fold(0, |m, v| m | 1 << graph.id(v).unwrap().index());
                prop_assert_eq!(cost(mask), valid.iter().map(|&z| cost(z)).min().unwrap());
            }
            None => prop_assert!(valid.is_empty()),
        }
    }

    #[test]
    fn single_door_sets_are_the_separators_of_the_graph_without_the_edge(n in 2usize..=5, d in any::<u32>(), b in any::<u32>(), c in any::<u32>()) {
        let graph = random_graph(n, d, b & c);
        for (x, y) in (0..n).flat_map(|y| (0..y).map(move |x| (x, y))) {
            let mut small = Small::of(&graph);
            let late = small.descendants(1 << y) | 1 << x;
            let edge = small.parents[y] >> x & 1 == 1;
            small.parents[y] &= !(1 << x);
            let found = direct_effect(&graph, &Query::new(name(x), name(y))).unwrap();
            prop_assert_eq!(found.edge, Some(edge));
            prop_assert!(found.complete);
            let doors: Vec<u32> = (0..1u32 << n).filter(|z| z & late == 0 && small.separated(x, y, *z)).collect();
            let mut minimal: Vec<Vec<String>> = doors
                .iter()
                .filter(|&&z| !doors.iter().any(|&t| t != z && t & !z == 0))
                .map(|&z| names(z))
                .collect();
            let mut listed = found.single_door_sets;
            minimal.sort();
            listed.sort();
            prop_assert_eq!(listed, minimal, "{:?} {} {}", graph.edges(), x, y);
            // The controlled effect holds every other parent, and is what identification says of the joint query.
            prop_assert_eq!(&found.held, &names(small.parents[y]));
            let held = found.controlled.identifiable;
            prop_assert_eq!(held, Some(!small_hedged(&graph, 1 << x | small.parents[y], 1 << y)));
        }
    }
}

fn small_hedged(graph: &Graph, x: u32, y: u32) -> bool {
    Small::of(graph).hedged(x, y)
}

/// Correa & Bareinboim (2017), figure 1: with the sample selected on a descendant of the outcome nothing can be had.
#[test]
fn a_sample_selected_on_the_outcome_says_so() {
    let graph = Graph::parse("X -> Y; Y -> S; S [selected]").unwrap();
    let answer = identify(&graph, &Query::new("X", "Y")).unwrap();
    assert_eq!(answer.identifiable, Some(false));
    match answer.witness {
        Some(Witness::OpenPath { path }) => assert_eq!(path.to_string(), "Y -> S is open given X"),
        other => panic!("{other:?}"),
    }
    let named = identify(&graph, &Query::new("X", "S")).unwrap_err().to_string();
    assert_eq!(
        named,
        "outcome S is a selection node: the sample holds only its selected value"
    );
}

#[test]
fn selection_that_no_adjustment_mends_is_unknown_unless_the_population_would_not_do() {
    // The front door would give the effect in the whole population; from the sample it is not looked for.
    let graph = Graph::parse("X -> M -> Y; X <-> Y; X -> S; S [selected]").unwrap();
    let answer = identify(&graph, &Query::new("X", "Y")).unwrap();
    assert_eq!(answer.identifiable, None);
    assert!(answer.unfinished.contains(&"selection".to_owned()));
    let bow = Graph::parse("X -> Y; X <-> Y; S; S [selected]").unwrap();
    let answer = identify(&bow, &Query::new("X", "Y")).unwrap();
    assert!(matches!(answer.witness, Some(Witness::Hedge { .. })));
}

#[test]
fn required_nodes_that_cannot_be_adjusted_for_are_the_witness() {
    let graph = Graph::parse("X -> M -> Y; Z -> X; Z -> Y").unwrap();
    let query = Query {
        required: vec!["M".into()],
        strategy: Strategy::Backdoor,
        ..Query::new("X", "Y")
    };
    let answer = identify(&graph, &query).unwrap();
    assert_eq!(
        answer.witness.unwrap().to_string(),
        "M may not be conditioned on: it descends from the treatment"
    );
    let query = Query {
        required: vec!["Q".into()],
        ..query
    };
    let error = identify(&graph, &query).unwrap_err().to_string();
    assert_eq!(error, "required Q is not a node of the graph");
}

#[test]
fn a_new_edge_changes_the_estimands_it_touches() {
    let older = Graph::parse("X [exposure]; Y [outcome]; W [outcome]; X -> Y; X -> W; Z -> X").unwrap();
    let newer =
        Graph::parse("X [exposure]; Y [outcome]; W [outcome]; X -> Y; X -> W; Z -> Y; Z -> X").unwrap();
    let hidden =
        Graph::parse("X [exposure]; Y [outcome]; W [outcome]; X -> Y; X -> W; X <-> W; Z -> X").unwrap();
    let queries = queries_of_roles(&[&older, &newer]);
    assert_eq!(queries, [Query::new("X", "Y"), Query::new("X", "W")]);
    let changed = estimands_changed(&older, &newer, &queries);
    let latex: Vec<String> = changed.iter().map(|c| c.after.latex.clone().unwrap()).collect();
    assert_eq!(
        latex,
        [r"P(Y \mid \mathrm{do}(X)) = \sum_{Z} P(Y \mid X, Z)\, P(Z)",]
    );
    let changed = estimands_changed(&older, &hidden, &queries);
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].before.identifiable, changed[0].after.identifiable),
        (Some(true), Some(false))
    );
    assert!(estimands_changed(&older, &older, &queries).is_empty());
}
