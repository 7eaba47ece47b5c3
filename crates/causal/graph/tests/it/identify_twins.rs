//! "Not identifiable" is certified by construction: two models of the same graph with one observed joint and different
//! effects. "Identifiable" is certified by the absence of any direction in which the effect moves and the joint does not.
//!
//! CI takes all graphs of up to three nodes and every so many of four; `CETERIS_TWINS=1 cargo test -p ceteris-graph
//! --release --test it identify_twins` takes all of four.
#![allow(clippy::disallowed_methods, reason = "tests read the environment and files")]
#![allow(clippy::unwrap_used)]

use crate::oracle::twins::Family;
use crate::oracle::{Small, names, random_graph};
use ceteris_graph::identify::{Query, Strategy, identify};
use ceteris_graph::{Graph, GraphBuilder};

/// The graph without every edge that no hedge needs: its models are models of the graph.
fn bare(graph: &Graph, x: u32, y: u32) -> Graph {
    let mut left = graph.clone();
    for edge in graph.edges() {
        let mut builder = GraphBuilder::new();
        for (_, node) in graph.nodes() {
            builder = builder.node(node.clone());
        }
        for other in left.edges().into_iter().filter(|other| *other != edge) {
            builder = builder.edge(other);
        }
        let fewer = builder.build().unwrap();
        if Small::of(&fewer).hedged(x, y) {
            left = fewer;
        }
    }
    left
}

/// Certifies the verdict on one query; tells what it was.
fn certified(graph: &Graph, x: u32, y: u32, z: u32, seed: u64) -> bool {
    let query = Query::of(names(x), names(y)).given(names(z)).by(Strategy::Id);
    let verdict = identify(graph, &query).unwrap().identifiable.unwrap();
    let all_values = (0..1u32 << graph.len()).filter(|v| v & !(x | y | z) == 0);
    if verdict {
        let family = Family::of(graph, 2);
        for values in all_values {
            let freedom = family.freedom(&family.effect_of(x, y, z, values), seed);
            assert!(freedom < 1e-3, "{:?} {x:b} {y:b} {z:b} {freedom}", graph.edges());
        }
        return true;
    }
    // For a conditional effect the hedge is that of another query, so its graph stays whole.
    let bare = if z == 0 { bare(graph, x, y) } else { graph.clone() };
    // Binary latents can be too few: in some graphs the joint then settles the effect.
    let apart = (2..=4).any(|kinds| {
        let family = Family::of(&bare, kinds);
        let tries = (0..6).flat_map(|i| all_values.clone().map(move |values| (values, seed ^ i)));
        tries
            .filter_map(|(values, seed)| family.twins(&family.effect_of(x, y, z, values), seed))
            .any(|twins| twins.joint_apart < 1e-12 && twins.effect_apart > 1e-4)
    });
    assert!(apart, "no twins: {:?} {x:b} {y:b} {z:b}", graph.edges());
    false
}

#[test]
fn all_graphs_of_three_nodes_and_all_queries_on_them() {
    let (mut yes, mut no) = (0, 0);
    for n in 2..=3usize {
        let pairs = n * (n - 1) / 2;
        for code in 0..1u32 << (2 * pairs) {
            let graph = random_graph(n, code & ((1 << pairs) - 1), code >> pairs);
            for roles in 0..4u32.pow(n as u32) {
                let mask = |role| {
                    (0..n as u32)
                        .filter(|v| roles >> (2 * v) & 3 == role)
                        .fold(0u32, |m, v| m | 1 << v)
                };
                let (x, y, z) = (mask(1), mask(2), mask(3));
                if x != 0 && y != 0 {
                    match certified(&graph, x, y, z, u64::from(code)) {
                        true => yes += 1,
                        false => no += 1,
                    }
                }
            }
        }
    }
    assert!(yes > 500 && no > 200, "{yes} {no}");
}

#[test]
fn graphs_of_four_nodes() {
    let stride = if std::env::var_os("CETERIS_TWINS").is_some() {
        1
    } else {
        61
    };
    let (mut yes, mut no) = (0, 0);
    for code in (0..4096u32).step_by(stride) {
        let graph = random_graph(4, code & 63, code >> 6);
        for (x, y) in (0..4)
            .flat_map(|y| (0..4).map(move |x| (x, y)))
            .filter(|(x, y)| x < y)
        {
            match certified(&graph, 1 << x, 1 << y, 0, u64::from(code)) {
                true => yes += 1,
                false => no += 1,
            }
        }
    }
    assert!(yes > 50 && no > 50, "{yes} {no}");
}
