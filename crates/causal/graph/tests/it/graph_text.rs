//! The text forms of graphs, and the faults they are refused for.
#![allow(clippy::unwrap_used)]

use ceteris_graph::{Clock, EdgeKind, Graph, GraphBuilder, Node, Role};

fn edges(text: &str) -> Vec<String> {
    let mut edges: Vec<String> = Graph::parse(text)
        .unwrap()
        .edges()
        .iter()
        .map(ToString::to_string)
        .collect();
    edges.sort();
    edges
}

fn faults(text: &str) -> Vec<String> {
    Graph::parse(text)
        .unwrap_err()
        .faults
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn one_graph_in_all_forms() {
    let expected = ["U -> X", "U -> Y", "X -> Z", "Z -> Y", "Z <-> Y"];
    for text in [
        "dag { X -> Z -> Y ; Z <-> Y ; U [latent] ; U -> {X Y} }",
        "dag G{\nX -> Z -> Y\nZ <-> Y // latent\nU [latent,pos=\"0.1,-0.2\"]\nX <- U\nU -> Y\n}",
        "dag{bb=\"0,0,1,1\" X [exposure,pos=\"0,1\"] Y [outcome] U [latent] X -> Z -> Y Y <-> Z U -> X U -> Y }",
        "X -> Z\nZ -> Y [beta=-0.5]\nZ <-> Y\nU [unobserved]\nX <- U -> Y",
        "digraph { X -> Z -> Y; Z -> Y [dir=both]; U [latent=yes]; U -> X; U -> Y }",
        "strict digraph \"my graph\" {\n rankdir=LR; node [shape=box];\n \"X\" -> Z ->\n Y\n Y -> Z [dir=\"both\", color=red]\n U [observed=no label=\"hm\"]; U -> {X; Y}\n}",
        r#"{"nodes": ["X", "Z", "Y", {"name": "U", "latent": true}], "edges": [
            {"from": "X", "to": "Z"}, ["Z", "Y"], {"from": "Z", "to": "Y", "kind": "bidirected"},
            {"from": "U", "to": "X", "kind": "directed"}, {"source": "U", "target": "Y"}]}"#,
        r#"{"directed": true, "multigraph": false, "graph": {"name": ["a", "b"]},
            "nodes": [{"id": "X"}, {"id": "Z"}, {"id": "Y"}, {"id": "U", "observed": false}],
            "links": [{"source": "X", "target": "Z"}, {"source": 1, "target": 2},
                      {"source": "Z", "target": "Y", "bidirected": true}, {"source": 3, "target": 0},
                      {"source": "U", "target": "Y"}]}"#,
    ] {
        let mut found: Vec<String> = edges(text)
            .iter()
            .map(|e| e.replace("Y <-> Z", "Z <-> Y"))
            .collect();
        found.sort();
        assert_eq!(found, expected, "{text}");
        let graph = Graph::parse(text).unwrap();
        assert!(graph.node(graph.id("U").unwrap()).latent, "{text}");
        assert_eq!(graph.observed().len(), 3);
    }
}

#[test]
fn a_graph_reads_back_what_it_writes() {
    let graph = GraphBuilder::new()
        .node(Node::new("X").role(Role::Treatment).measured_by("treatment_x"))
        .node(
            Node::new("M")
                .role(Role::Mediator)
                .clock(Clock::Mediator)
                .description("time on page"),
        )
        .node(Node::new("E").role(Role::EffectModifier).clock(Clock::Before))
        .node(Node::new("U").latent())
        .directed("X", "M")
        .bidirected("X", "M")
        .directed("U", "M")
        .build()
        .unwrap();
    let text = serde_json::to_string(&graph).unwrap();
    let again = Graph::parse(&text).unwrap();
    assert_eq!(again.edges(), graph.edges());
    assert!(again.nodes().map(|(_, n)| n).eq(graph.nodes().map(|(_, n)| n)));
}

#[test]
fn attributes_carry_role_clock_and_columns() {
    let dagitty = r#"dag { X [exposure] ; Y [outcome] ; M [role=mediator, clock=mediator, measured_by="a, b", description="cart"] }"#;
    let json = r#"{"nodes": [{"name": "X", "role": "treatment"}, {"name": "Y", "role": "outcome"},
        {"name": "M", "role": "mediator", "clock": "mediator", "measured_by": ["a", "b"], "description": "cart"}], "edges": []}"#;
    for text in [dagitty, json] {
        let graph = Graph::parse(text).unwrap();
        let node = |name| graph.node(graph.id(name).unwrap());
        assert_eq!(node("X").role, Some(Role::Treatment));
        assert_eq!(
            (node("Y").role, node("Y").when()),
            (Some(Role::Outcome), Some(Clock::Outcome))
        );
        assert_eq!(
            (node("M").role, node("M").clock),
            (Some(Role::Mediator), Some(Clock::Mediator))
        );
        assert_eq!(node("M").measured_by, ["a", "b"]);
        assert_eq!(node("M").description, "cart");
    }
}

#[test]
fn statements_end_with_their_line_and_names_alone_declare() {
    let graph = Graph::parse("A\nB; \"C d\"\n\nA -> B").unwrap();
    assert_eq!(graph.len(), 3);
    assert!(graph.id("C d").is_some());
    assert_eq!(
        faults("dag {\n A ->\n B\n}"),
        ["line 2: expected a node name, found the end of the line"]
    );
}

#[test]
fn all_faults_come_at_once_with_their_lines() {
    let text = "dag {\nA -> B\nB -> C -> A\nA -> B\nD -> D\nE <-> F\nF <-> E\nB -> A'\n}";
    assert_eq!(
        faults(text),
        [
            "line 3: edge C -> A closes the cycle C -> A -> B -> C",
            "line 4: edge A -> B occurs twice",
            "line 5: edge D -> D joins a node to itself",
            "line 7: edge F <-> E occurs twice",
            "line 8: node name \"A'\" must not be empty or hold a prime (')",
        ]
    );
    let json = "{\"nodes\": [\n \"A\",\n \"A\",\n {\"name\": \"B\", \"role\": \"hero\"},\n {\"name\": \"C\"}\n],\n\"edges\": [\n {\"from\": \"A\", \"to\": \"Q\"},\n [\"A\", \"C\"], [\"C\",\n \"A\"],\n {\"from\": \"A\"}\n]}";
    assert_eq!(
        faults(json),
        [
            "line 3: node A is declared twice",
            "line 4: node B has unknown role \"hero\"",
            "line 8: edge A -> Q names unknown node Q",
            "line 9: edge C -> A closes the cycle C -> A -> C",
            "line 11: an edge needs two ends: from and to",
        ]
    );
}

#[test]
fn text_that_is_no_graph_is_refused_with_a_line() {
    for (text, expected) in [
        ("", "line 1: the text holds no graph"),
        ("dag {\n A -> B\n", "line 1: { is never closed"),
        ("digraph { A -> B ] }", "line 1: expected a node name, found ']'"),
        ("dag { A -- B }", "line 1: edge A -- B has no direction"),
        ("graph { A -- B }", "line 1: edge A -- B has no direction"),
        (
            "pdag { A -> B }",
            "line 1: a pdag stands for many graphs; give one dag",
        ),
        ("dag { A [latent }", "line 1: expected an attribute, found '}'"),
        ("A -> B\nC ? D", "line 2: unexpected character '?'"),
        ("A -> \"B", "line 1: quoted name is never closed"),
        ("dag { A } B", "line 1: expected the end of the text, found \"B\""),
        (
            "digraph { A [selected=perhaps] }",
            "line 1: selected of node A must be yes or no",
        ),
        ("{\"nodes\": [\n}", "line 2: expected value at line 2 column 1"),
        ("{\"nodes\": []}", "line 1: edges is missing"),
        ("{\"edges\": []}", "line 1: nodes is missing"),
        ("{\"nodes\": 3, \"edges\": []}", "line 1: nodes must be an array"),
        (
            "{\"directed\": false, \"nodes\": [], \"links\": []}",
            "line 1: an undirected graph says nothing of causes",
        ),
    ] {
        assert_eq!(faults(text), [expected], "{text}");
    }
}

#[test]
fn edges_know_their_kind() {
    let graph = Graph::parse("A -> B; A <-> B").unwrap();
    let kinds: Vec<EdgeKind> = graph.edges().iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [EdgeKind::Directed, EdgeKind::Bidirected]);
}
