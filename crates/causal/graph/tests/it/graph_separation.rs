//! m-separation, ancestry, districts and latent projection against enumeration on random ADMGs.

#![allow(clippy::unwrap_used)]

use crate::oracle::{Small, name, random_graph, set};
use ceteris_graph::{Graph, GraphBuilder, Node, NodeId, NodeSet};
use proptest::prelude::*;

fn graph() -> impl Strategy<Value = Graph> {
    (2usize..=6, any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(n, d, b, c)| random_graph(n, d, b & c))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reachability_agrees_with_all_paths(graph in graph()) {
        let small = Small::of(&graph);
        let all = (1u32 << graph.len()) - 1;
        for z in 0..=all {
            for a in (0..graph.len()).filter(|a| z >> a & 1 == 0) {
                for b in (0..graph.len()).filter(|&b| b != a && z >> b & 1 == 0) {
                    let separated = graph.view().m_separated(&set(1 << a), &set(1 << b), &set(z));
                    prop_assert_eq!(separated, small.separated(a, b, z), "{:?} {} {} {:b}", graph.edges(), a, b, z);
                    let path = graph.view().open_path(&set(1 << a), &set(1 << b), &set(z));
                    prop_assert_eq!(separated, path.is_none());
                    if let Some(path) = path {
                        prop_assert!(open(&small, &graph, &path.text, z), "{} given {:b}", path, z);
                    }
                }
            }
        }
    }

    #[test]
    fn ancestors_and_descendants_mirror_each_other(graph in graph(), cut in 0u32..64) {
        let view = graph.view().without_into(&set(cut));
        let order = view.topological_order();
        prop_assert_eq!(order.len(), graph.len());
        for (a, _) in graph.nodes() {
            let above = view.ancestors(&NodeSet::one(a));
            for (b, _) in graph.nodes() {
                prop_assert_eq!(above.contains(b), view.descendants(&NodeSet::one(b)).contains(a));
                let place = |v| order.iter().position(|&w| w == v).unwrap();
                prop_assert!(!above.contains(b) || place(b) <= place(a));
            }
            let district = view.district(a);
            prop_assert_eq!(view.districts().into_iter().filter(|d| d.contains(a)).collect::<Vec<_>>(), vec![district]);
        }
    }

    #[test]
    fn projection_keeps_separations_and_ancestry(graph in graph(), hidden in 0u32..64) {
        let gone = set(hidden & ((1 << graph.len()) - 1));
        let kept = graph.all().difference(&gone);
        let projected = graph.project_away(&gone);
        prop_assert_eq!(projected.len(), kept.len());
        let new = |v: NodeId| projected.id(&graph.node(v).name).unwrap();
        for a in kept.iter() {
            for b in kept.iter().filter(|&b| b != a) {
                let is_above = graph.view().ancestors(&NodeSet::one(b)).contains(a);
                prop_assert_eq!(is_above, projected.view().ancestors(&NodeSet::one(new(b))).contains(new(a)));
                for z in 0..1u32 << graph.len() {
                    let z = set(z);
                    if !z.is_subset(&kept) || z.contains(a) || z.contains(b) {
                        continue;
                    }
                    let before = graph.view().m_separated(&NodeSet::one(a), &NodeSet::one(b), &z);
                    let z: NodeSet = z.iter().map(new).collect();
                    let after = projected.view().m_separated(&NodeSet::one(new(a)), &NodeSet::one(new(b)), &z);
                    prop_assert_eq!(before, after, "{:?} without {:?}", graph.edges(), graph.names(&gone));
                }
            }
        }
    }

    #[test]
    fn a_view_made_into_a_graph_is_the_same_graph(graph in graph(), hidden in 0u32..64, cut in 0u32..64, out in 0u32..64) {
        let view = graph.view().without(&set(hidden)).without_into(&set(cut)).without_out_of(&set(out));
        let copy = view.to_graph();
        for a in view.nodes().iter() {
            let here = copy.id(&graph.node(a).name).unwrap();
            let names = |set: NodeSet| graph.names(&set);
            prop_assert_eq!(names(view.parents(a).collect()), copy.names(&copy.view().parents(here).collect()));
            prop_assert_eq!(names(view.children(a).collect()), copy.names(&copy.view().children(here).collect()));
            prop_assert_eq!(names(view.siblings(a).collect()), copy.names(&copy.view().siblings(here).collect()));
        }
    }
}

/// Whether a path given as text is a path of the graph and open given z.
fn open(small: &Small, graph: &Graph, text: &str, z: u32) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let node = |i: usize| graph.id(words[2 * i]).unwrap().index();
    let length = words.len() / 2;
    let opened = small.ancestors(z, (1 << small.n) - 1, 0);
    let distinct = (0..=length)
        .map(node)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        == length + 1;
    let edges = (0..length).all(|i| match words[2 * i + 1] {
        "->" => small.parents[node(i + 1)] >> node(i) & 1 == 1,
        "<-" => small.parents[node(i)] >> node(i + 1) & 1 == 1,
        _ => small.siblings[node(i)] >> node(i + 1) & 1 == 1,
    });
    let passes = (1..length).all(|i| {
        let collider = words[2 * i - 1].ends_with('>') && words[2 * i + 1].starts_with('<');
        if collider {
            opened >> node(i) & 1 == 1
        } else {
            z >> node(i) & 1 == 0
        }
    });
    distinct && edges && passes
}

#[test]
fn a_latent_common_cause_becomes_a_bidirected_edge() {
    let graph = GraphBuilder::new()
        .node(Node::new("X"))
        .node(Node::new("U").latent())
        .node(Node::new("M").latent())
        .node(Node::new("Y"))
        .directed("U", "X")
        .directed("U", "Y")
        .directed("X", "M")
        .directed("M", "Y")
        .build()
        .unwrap();
    let edges: Vec<String> = graph.project().edges().iter().map(ToString::to_string).collect();
    assert_eq!(edges, ["X -> Y", "X <-> Y"]);
    assert_eq!(name(0), "A");
}
