//! What graphs are written as reads back whole; their digests name content and not order; their diffs name changes.
#![allow(clippy::unwrap_used)]

use crate::oracle::random_graph;
use ceteris_graph::{Clock, Edge, EdgeKind, Graph, GraphBuilder, Node, Role};
use proptest::prelude::*;

/// A graph that uses everything a graph can say.
fn rich() -> Graph {
    GraphBuilder::new()
        .node(
            Node::new("the coupon")
                .role(Role::Treatment)
                .measured_by("treatment_coupon"),
        )
        .node(
            Node::new("M")
                .role(Role::Mediator)
                .clock(Clock::Mediator)
                .description("time on \"page\" \\ a<b & c"),
        )
        .node(
            Node::new("Y")
                .role(Role::Outcome)
                .measured_by("a")
                .measured_by("b"),
        )
        .node(Node::new("U").latent())
        .node(Node::new("dag").selected())
        .directed("the coupon", "M")
        .directed("M", "Y")
        .directed("U", "M")
        .directed("Y", "dag")
        .bidirected("Y", "the coupon")
        .bidirected("M", "Y")
        .build()
        .unwrap()
}

fn same(a: &Graph, b: &Graph) {
    assert!(
        a.nodes().map(|(_, n)| n).eq(b.nodes().map(|(_, n)| n)),
        "{a:?} {b:?}"
    );
    assert_eq!(a.edges(), b.edges());
    assert_eq!(a.digest(), b.digest());
}

fn forms(graph: &Graph) -> [String; 4] {
    [
        graph.to_dot(),
        graph.to_dagitty(),
        serde_json::to_string_pretty(&graph.to_node_link()).unwrap(),
        serde_json::to_string(graph).unwrap(),
    ]
}

#[test]
fn every_form_that_is_written_reads_back_whole() {
    for text in forms(&rich()) {
        same(&Graph::parse(&text).unwrap(), &rich());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_read_back_whole(n in 1usize..=6, d in any::<u32>(), b in any::<u32>()) {
        let graph = random_graph(n, d, b);
        for text in forms(&graph) {
            same(&Graph::parse(&text).unwrap(), &graph);
        }
    }

    #[test]
    fn a_digest_does_not_depend_on_the_order_of_declaration(n in 1usize..=6, d in any::<u32>(), b in any::<u32>(), turn in 0usize..6) {
        let graph = random_graph(n, d, b);
        let mut nodes: Vec<Node> = graph.nodes().map(|(_, node)| node.clone()).collect();
        let mut edges = graph.edges();
        nodes.rotate_left(turn % n);
        edges.reverse();
        let mut builder = GraphBuilder::new();
        for node in nodes {
            builder = builder.node(node);
        }
        for edge in edges {
            let turned = Edge { from: edge.to.clone(), to: edge.from.clone(), kind: edge.kind };
            builder = builder.edge(if edge.kind == EdgeKind::Bidirected { turned } else { edge });
        }
        prop_assert_eq!(builder.build().unwrap().digest(), graph.digest());
    }

    #[test]
    fn a_diff_leads_from_one_version_to_the_other(n in 2usize..=5, d in any::<u32>(), b in any::<u32>(), e in any::<u32>(), c in any::<u32>()) {
        let (older, newer) = (random_graph(n, d, b), random_graph(n, e, c));
        let diff = older.diff(&newer);
        let ordered = |graph: &Graph| -> Vec<Edge> { graph.edges().into_iter().map(Edge::ordered).collect() };
        let mut edges = ordered(&older);
        edges.retain(|edge| !diff.edges_removed.contains(edge));
        prop_assert!(diff.edges_added.iter().all(|edge| !edges.contains(edge)));
        edges.extend(diff.edges_added.clone());
        edges.sort();
        let mut expected = ordered(&newer);
        expected.sort();
        prop_assert_eq!(edges, expected);
        prop_assert_eq!(diff.is_empty(), diff.edges_added.is_empty() && diff.edges_removed.is_empty());
    }
}

#[test]
fn every_part_of_a_graph_is_part_of_its_digest() {
    let base = || {
        GraphBuilder::new()
            .node(Node::new("A"))
            .node(Node::new("B"))
            .directed("A", "B")
    };
    let changed = |node: Node| {
        GraphBuilder::new()
            .node(node)
            .node(Node::new("B"))
            .directed("A", "B")
            .build()
            .unwrap()
    };
    let mut digests = vec![
        base().build().unwrap().digest(),
        base().bidirected("A", "B").build().unwrap().digest(),
        base().node(Node::new("C")).build().unwrap().digest(),
        Graph::parse("B -> A").unwrap().digest(),
        Graph::parse("A <-> B").unwrap().digest(),
        changed(Node::new("A").latent()).digest(),
        changed(Node::new("A").selected()).digest(),
        changed(Node::new("A").role(Role::Confounder)).digest(),
        changed(Node::new("A").clock(Clock::Before)).digest(),
        changed(Node::new("A").description("a")).digest(),
        changed(Node::new("A").measured_by("a")).digest(),
        changed(Node::new("A").measured_by("a").measured_by("b")).digest(),
        changed(Node::new("A").measured_by("a,b")).digest(),
    ];
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all);
}

#[test]
fn a_diff_names_nodes_and_what_is_said_of_them() {
    let older = Graph::parse("A -> B; B -> C; C <-> A").unwrap();
    let newer = Graph::parse("B -> A; A <-> C; D; C [latent]").unwrap();
    let diff = older.diff(&newer);
    assert_eq!(
        (diff.nodes_added, diff.nodes_removed.len()),
        (vec!["D".to_owned()], 0)
    );
    assert_eq!(diff.nodes_changed.len(), 1);
    assert!(!diff.nodes_changed[0].before.latent && diff.nodes_changed[0].after.latent);
    let text = |edges: &[Edge]| edges.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(text(&diff.edges_added), ["B -> A"]);
    assert_eq!(text(&diff.edges_removed), ["A -> B", "B -> C"]);
    assert!(older.diff(&older).is_empty());
}

#[test]
fn pictures_show_every_node_and_edge() {
    let graph = rich();
    let svg = graph.to_svg();
    assert_eq!(svg.matches("<rect").count(), 5);
    assert_eq!(svg.matches("marker-end").count(), 6);
    assert_eq!(svg.matches("marker-start").count(), 2);
    assert!(
        svg.contains("<title>time on &quot;page&quot; \\ a&lt;b &amp; c</title>"),
        "{svg}"
    );
    assert!(!svg.contains("NaN"));
    let mermaid = graph.to_mermaid();
    for line in [
        "flowchart LR",
        "  n0[\"the coupon\"]",
        "  n2{{\"Y\"}}",
        "  n3([\"U\"]):::latent",
        "  n4(\"dag\"):::selected",
        "  n0 --> n1",
        "  n2 <-.-> n0",
    ] {
        assert!(mermaid.lines().any(|l| l == line), "{line}\n{mermaid}");
    }
}

#[test]
fn no_two_boxes_of_a_picture_overlap() {
    let svg = random_graph(6, 0b101_1010_0110_1011, 0b11).to_svg();
    let number = |line: &str, key: &str| -> f64 {
        let from = line.find(&format!(" {key}=\"")).unwrap() + key.len() + 3;
        line[from..].split('"').next().unwrap().parse().unwrap()
    };
    let boxes: Vec<(f64, f64, f64, f64)> = svg
        .lines()
        .filter(|line| line.contains("<rect"))
        .map(|line| {
            (
                number(line, "x"),
                number(line, "y"),
                number(line, "width"),
                number(line, "height"),
            )
        })
        .collect();
    assert_eq!(boxes.len(), 6);
    for (i, a) in boxes.iter().enumerate() {
        for b in &boxes[..i] {
            let apart = (a.0 - b.0).abs() >= a.2 || (a.1 - b.1).abs() >= a.3;
            assert!(apart, "{a:?} {b:?}");
        }
    }
}
