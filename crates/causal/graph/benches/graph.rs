//! How long the graph engine takes: adjustment on a large graph, identification on small ones. Budgets are in
//! `benches/graphs.md`; `cargo bench -p ceteris-graph --bench graph`.
#![allow(clippy::unwrap_used)]

use ceteris_graph::identify::{
    Query, Strategy, calculus, identify, is_adjustment_set, minimal_adjustment_sets,
};
use ceteris_graph::{Graph, GraphBuilder, Node, NodeId, NodeSet};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A DAG of `nodes` nodes in causal order with `edges` distinct edges, each from one of the 200 nodes before its end.
fn large(nodes: u64, edges: usize) -> Graph {
    let mut builder = GraphBuilder::new();
    for v in 0..nodes {
        builder = builder.node(Node::new(format!("v{v}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut draw = 0;
    while seen.len() < edges {
        draw += 1;
        let to = 1 + mix(2 * draw) % (nodes - 1);
        let from = to - 1 - mix(2 * draw + 1) % to.min(200);
        if seen.insert((from, to)) {
            builder = builder.directed(&format!("v{from}"), &format!("v{to}"));
        }
    }
    builder.build().unwrap()
}

fn adjustment(c: &mut Criterion) {
    let graph = large(10_000, 50_000);
    let one = |v: usize| NodeSet::one(NodeId::new(v));
    let (x, y) = (one(9_000), one(9_900));
    let mut group = c.benchmark_group("adjustment, 10 000 nodes, 50 000 edges");
    group.sample_size(20);
    group.bench_function("one minimal set", |b| {
        b.iter(|| minimal_adjustment_sets(black_box(&graph), &x, &y, &graph.all(), 1, u64::MAX));
    });
    let parents: NodeSet = graph.view().parents(NodeId::new(9_000)).collect();
    group.bench_function("check a set", |b| {
        b.iter(|| is_adjustment_set(black_box(&graph), &x, &y, &parents));
    });
    let query = Query {
        sets_max: 1,
        ..Query::new("v9000", "v9900").by(Strategy::Backdoor).brief()
    };
    group.bench_function("the whole answer, back door", |b| {
        b.iter(|| identify(black_box(&graph), &query).unwrap())
    });
    group.bench_function("m-separation", |b| {
        b.iter(|| black_box(&graph).view().m_separated(&x, &y, &parents));
    });
    group.finish();
}

/// Published graphs, and one of ten nodes that only the general algorithm identifies.
const SMALL: &[(&str, &str)] = &[
    ("back door", "Z -> X -> Y; Z -> Y"),
    ("front door", "X -> Z -> Y; X <-> Y"),
    ("napkin", "W1 -> W2 -> X -> Y; W1 <-> X; W1 <-> Y"),
    ("bow", "X -> Y; X <-> Y"),
    (
        "figure 2g of Shpitser and Pearl",
        "Z2 -> X -> Z1 -> Y; Z2 -> Z1; Z2 -> Z3 -> Y; X <-> Z2; X <-> Z3; X <-> Y; Y <-> Z2",
    ),
    (
        "ten nodes",
        "A -> B -> X -> M -> N -> Y; C -> X; C -> Y; D -> M; E -> N; F -> E; A <-> X; X <-> Y; D <-> E; B <-> C",
    ),
];

fn general(c: &mut Criterion) {
    let mut group = c.benchmark_group("ID");
    for (name, text) in SMALL {
        let graph = Graph::parse(text).unwrap();
        let query = Query::new("X", "Y").by(Strategy::Id).brief();
        group.bench_function(*name, |b| b.iter(|| identify(black_box(&graph), &query).unwrap()));
    }
    let graph = Graph::parse(SMALL[5].1).unwrap();
    group.bench_function("ten nodes, with every list", |b| {
        b.iter(|| identify(black_box(&graph), &Query::new("X", "Y")).unwrap());
    });
    group.finish();
    c.bench_function("do-calculus derivation, ten nodes", |b| {
        b.iter(|| calculus::derive(black_box(&graph), &Query::new("X", "Y")).unwrap());
    });
}

criterion_group!(benches, adjustment, general);
criterion_main!(benches);
