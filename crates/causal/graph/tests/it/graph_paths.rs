//! Paths with the reasons they are open or closed, and Markov blankets, against enumeration.
#![allow(clippy::unwrap_used)]

use crate::oracle::{Small, random_graph, set};
use ceteris_graph::{Graph, NodeId, NodeSet, PathBounds, Stance};
use proptest::prelude::*;

fn one(v: usize) -> NodeSet {
    NodeSet::one(NodeId::new(v))
}

/// How many simple paths lead from `at` to `goal`, parallel edges counted apart.
fn count(small: &Small, at: usize, goal: usize, used: u32) -> usize {
    if at == goal {
        return 1;
    }
    (0..small.n)
        .filter(|&v| used >> v & 1 == 0)
        .map(|v| {
            let edges =
                (small.parents[v] >> at & 1) + (small.parents[at] >> v & 1) + (small.siblings[at] >> v & 1);
            edges as usize * count(small, v, goal, used | 1 << v)
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_paths_are_listed_and_open_ones_say_so(n in 2usize..=5, d in any::<u32>(), b in any::<u32>(), c in any::<u32>(), z in 0u32..32) {
        let graph = random_graph(n, d, b & c);
        let small = Small::of(&graph);
        let (x, y) = (0, n - 1);
        let z = z & ((1 << n) - 1) & !(1 << x | 1 << y);
        let list = graph.view().paths(&one(x), &one(y), &set(z), &PathBounds::default());
        prop_assert!(list.complete);
        prop_assert_eq!(list.paths.len(), count(&small, x, y, 1 << x));
        prop_assert_eq!(list.paths.iter().any(|p| p.open), !small.separated(x, y, z));
        prop_assert!(list.paths.windows(2).all(|pair| pair[0].nodes.len() <= pair[1].nodes.len()));
        for path in &list.paths {
            prop_assert_eq!(path.stops.len() + 2, path.nodes.len());
            prop_assert_eq!(path.back_door, path.text.split(' ').nth(1).unwrap().starts_with('<'));
            prop_assert_eq!(path.causal, !path.text.contains('<'));
        }
        let open = PathBounds { open_only: true, ..PathBounds::default() };
        let only = graph.view().paths(&one(x), &one(y), &set(z), &open);
        let expected: Vec<_> = list.paths.iter().filter(|p| p.open).cloned().collect();
        prop_assert_eq!(&only.paths, &expected);
        let back = PathBounds { back_door_only: true, ..PathBounds::default() };
        let only = graph.view().paths(&one(x), &one(y), &set(z), &back);
        let expected: Vec<_> = list.paths.iter().filter(|p| p.back_door).cloned().collect();
        prop_assert_eq!(&only.paths, &expected);
    }

    #[test]
    fn a_markov_blanket_separates_its_node_and_no_part_of_it_does(n in 1usize..=5, d in any::<u32>(), b in any::<u32>()) {
        let graph = random_graph(n, d, b);
        let small = Small::of(&graph);
        let separates = |v: usize, z: u32| {
            let rest = ((1u32 << n) - 1) & !(z | 1 << v);
            small.sets_separated(1 << v, rest, z)
        };
        for v in 0..n {
            let blanket = graph.view().markov_blanket(NodeId::new(v)).iter().fold(0u32, |m, w| m | 1 << w.index());
            prop_assert!(separates(v, blanket));
            for part in (0..1u32 << n).filter(|part| part & !blanket == 0 && *part != blanket) {
                prop_assert!(!separates(v, part));
            }
        }
    }
}

#[test]
fn each_inner_node_says_why_it_is_open() {
    let graph = Graph::parse("X <- A -> B; B -> D; C -> B; C -> Y; X -> M -> Y").unwrap();
    let id = |name: &str| graph.id(name).unwrap();
    let (x, y) = (NodeSet::one(id("X")), NodeSet::one(id("Y")));
    let back = PathBounds {
        back_door_only: true,
        ..PathBounds::default()
    };
    let told = |given: NodeSet| graph.view().paths(&x, &y, &given, &back).paths.remove(0);
    let closed = told(NodeSet::new());
    assert_eq!(closed.text, "X <- A -> B <- C -> Y");
    assert!(!closed.open && closed.back_door && !closed.causal);
    let why: Vec<&str> = closed.stops.iter().map(|s| s.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "A is a fork and not conditioned on",
            "B is a collider, and neither it nor a descendant is conditioned on",
            "C is a fork and not conditioned on"
        ]
    );
    let opened = told(NodeSet::one(id("D")));
    assert!(opened.open);
    assert_eq!(opened.stops[1].stance, Stance::Collider);
    assert_eq!(
        opened.stops[1].why,
        "B is a collider and its descendant D is conditioned on"
    );
    let both = told([id("B"), id("C")].into_iter().collect());
    assert_eq!(both.stops[1].why, "B is a collider and conditioned on");
    assert_eq!(
        (both.open, both.stops[2].why.as_str()),
        (false, "C is a fork and conditioned on")
    );
}

#[test]
fn bounds_end_a_search_with_what_it_found() {
    let graph = random_graph(6, u32::MAX, u32::MAX);
    let bounds = |paths_max, steps_max| PathBounds {
        paths_max,
        steps_max,
        ..PathBounds::default()
    };
    let all = graph
        .view()
        .paths(&one(0), &one(5), &NodeSet::new(), &bounds(1_000_000, 1_000_000));
    assert!(all.complete && all.paths.len() > 100);
    for bounds in [bounds(100, 1_000_000), bounds(1_000_000, 500)] {
        let some = graph.view().paths(&one(0), &one(5), &NodeSet::new(), &bounds);
        assert!(!some.complete && !some.paths.is_empty());
        assert_eq!(some.paths, all.paths[..some.paths.len()]);
    }
    assert!(
        Graph::parse("A; B")
            .unwrap()
            .view()
            .paths(&one(0), &one(1), &NodeSet::new(), &bounds(0, 0))
            .complete
    );
}
