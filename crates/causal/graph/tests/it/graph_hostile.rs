//! Hostile texts and graphs: very long, deep, wide or truncated ones. Each is read or refused with a message, in bounded
//! time and stack.
#![allow(clippy::unwrap_used)]

use ceteris_graph::{Graph, GraphBuilder, Node, NodeId, NodeSet, PathBounds};
use proptest::prelude::*;

fn refused(text: &str) -> String {
    Graph::parse(text).unwrap_err().to_string()
}

/// A stack as small as that of a thread pool's worker.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    thread.spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_chain_as_long_as_one_likes_needs_no_deep_stack() {
    let n = 200_000;
    let text: String = (1..n).map(|v| format!("v{} -> v{v}\n", v - 1)).collect();
    let closed = format!("{text}v{} -> v0", n - 1);
    let (edges, fault) = on_a_small_stack(move || {
        let graph = Graph::parse(&text).unwrap();
        let one = |v: usize| NodeSet::one(NodeId::new(v));
        assert!(!graph.view().m_separated(&one(0), &one(n - 1), &NodeSet::new()));
        assert_eq!(graph.view().ancestors(&one(n - 1)).len(), n);
        assert_eq!(graph.view().topological_order().len(), n);
        // A column a node: places counted anew for each would take hours.
        assert!(graph.to_svg().ends_with("</svg>\n"));
        (graph.edge_count(), refused(&closed))
    });
    assert_eq!(edges, n - 1);
    // A cycle of so many nodes is told by its ends.
    assert!(
        fault.contains("edge v199999 -> v0 closes the cycle v199999 -> v0 -> v1"),
        "{fault}"
    );
    assert!(
        fault.contains("more)") && fault.ends_with("-> v199999"),
        "{fault}"
    );
    assert!(fault.len() < 500, "{fault}");
}

#[test]
fn a_long_path_is_followed_without_a_deep_stack() {
    let n = 4000;
    let text: String = (1..n).map(|v| format!("v{} -> v{v}\n", v - 1)).collect();
    let found = on_a_small_stack(move || {
        let graph = Graph::parse(&text).unwrap();
        let one = |v: usize| NodeSet::one(NodeId::new(v));
        let bounds = PathBounds {
            steps_max: u64::MAX,
            ..PathBounds::default()
        };
        graph.view().paths(&one(0), &one(n - 1), &NodeSet::new(), &bounds)
    });
    assert!(found.complete);
    assert_eq!((found.paths.len(), found.paths[0].nodes.len()), (1, n));
}

#[test]
fn many_cycles_are_each_named_by_the_edge_that_closes_it() {
    let text: String = (0..30_000)
        .map(|v| format!("a{v} -> b{v}\nb{v} -> a{v}\n"))
        .collect();
    let error = Graph::parse(&text).unwrap_err();
    assert_eq!(error.faults.len(), 30_000);
    assert_eq!(
        error.faults[0].to_string(),
        "line 2: edge b0 -> a0 closes the cycle b0 -> a0 -> b0"
    );
    // The sentence stays a sentence.
    let told = error.to_string();
    assert!(
        told.ends_with("and 29980 more faults") && told.len() < 2000,
        "{}",
        told.len()
    );
}

#[test]
fn a_short_text_is_no_graph_that_fills_the_memory() {
    let names = |letter: char| (0..3000).map(|i| format!("{letter}{i} ")).collect::<String>();
    let text = format!("dag {{ {{ {} }} -> {{ {} }} }}", names('a'), names('b'));
    assert_eq!(refused(&text), "line 1: the graph has more than 2000000 edges");
    // What fits is read: each pair once.
    let names = |letter: char| (0..300).map(|i| format!("{letter}{i} ")).collect::<String>();
    let text = format!("dag {{ {{ {} }} -> {{ {} }} }}", names('a'), names('b'));
    assert_eq!(Graph::parse(&text).unwrap().edge_count(), 90_000);
}

#[test]
fn a_large_group_and_large_node_link_are_read_in_linear_time() {
    // Names looked up by walking a list made these take minutes.
    let names: String = (0..60_000).map(|i| format!("n{i} ")).collect();
    assert_eq!(
        Graph::parse(&format!("dag {{ {{ {names} }} }}")).unwrap().len(),
        60_000
    );
    let nodes: Vec<String> = (0..60_000).map(|i| format!("{{\"id\": {i}}}")).collect();
    let links: Vec<String> = (1..60_000)
        .map(|i| format!("{{\"source\": {}, \"target\": {i}}}", i - 1))
        .collect();
    let text = format!(
        "{{\"directed\": true, \"nodes\": [{}], \"links\": [{}]}}",
        nodes.join(","),
        links.join(",")
    );
    assert_eq!(Graph::parse(&text).unwrap().edge_count(), 59_999);
}

#[test]
fn deep_nesting_is_refused_in_words() {
    let deep = format!("dag {{ {}A{} }}", "{".repeat(100_000), "}".repeat(100_000));
    assert_eq!(refused(&deep), "line 1: groups nest more than 64 deep");
    let json = format!(
        "{{\"nodes\": {}{}, \"edges\": []}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(refused(&json).contains("recursion limit"), "{}", refused(&json));
    let open = "[".repeat(100_000);
    assert!(refused(&format!("A {open}")).starts_with("line 1: expected an attribute"));
}

#[test]
fn a_latent_node_with_many_effects_is_projected_within_a_bound() {
    let mut builder = GraphBuilder::new().node(Node::new("U").latent());
    for v in 0..2000 {
        let name = format!("v{v}");
        builder = builder.node(Node::new(&name)).directed("U", &name);
    }
    let graph = builder.build().unwrap();
    let gone = NodeSet::one(NodeId::new(0));
    assert!(graph.project_away_within(&gone, 1_000_000).is_none());
    let (projected, left) = graph.project_away_within(&gone, 12_000_000).unwrap();
    assert_eq!(projected.edge_count(), 2000 * 1999 / 2);
    assert!(left < 8_000_000, "{left}");
}

#[test]
fn names_that_look_like_edges_do_not_make_two_graphs_one() {
    let graph = |from: &str, to: &str| {
        let nodes = ["A", "B -> C", "A -> B", "C"];
        let builder = nodes
            .iter()
            .fold(GraphBuilder::new(), |b, name| b.node(Node::new(*name)));
        builder.directed(from, to).build().unwrap()
    };
    assert_ne!(graph("A", "B -> C").digest(), graph("A -> B", "C").digest());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_in_words(text in "[A-C{}\\[\\]<>=;,\"'/*# \n\\-]{0,40}") {
        if let Err(error) = Graph::parse(&text) {
            prop_assert!(!error.to_string().is_empty() && !error.faults.is_empty());
        }
        let _ = Graph::parse(&format!("dag {{ {text} }}"));
        let _ = Graph::parse(&format!("digraph {{ {text} }}"));
        let _ = Graph::parse(&format!("{{\"nodes\": [{text}], \"edges\": []}}"));
    }

    #[test]
    fn any_name_is_written_so_that_it_reads_back(first in any::<String>(), second in "\\PC{1,12}", text in any::<String>()) {
        // Primes are not for names; the ends keep them from being empty or equal.
        let (first, second) = (format!("{first}x").replace('\'', "\""), format!("{second}y").replace('\'', "\\"));
        let graph = GraphBuilder::new()
            .node(Node::new(&first).description(&text).measured_by("a b"))
            .node(Node::new(&second).latent())
            .directed(&first, &second)
            .bidirected(&first, &second)
            .build()
            .unwrap();
        for form in [serde_json::to_string(&graph).unwrap(), graph.to_node_link().to_string(), graph.to_dot(), graph.to_dagitty()] {
            let again = Graph::parse(&form);
            prop_assert!(again.is_ok(), "{form} {again:?}");
            prop_assert_eq!(again.unwrap().digest(), graph.digest(), "{}", form);
        }
        prop_assert!(graph.to_svg().ends_with("</svg>\n"));
        // One line a statement, whatever the names hold: the header, two nodes, two edges, two classes.
        prop_assert_eq!(graph.to_mermaid().lines().count(), 7);
    }
}
