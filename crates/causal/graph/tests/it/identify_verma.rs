//! Verma constraints of published graphs, and what a bound or a budget leaves of them.
#![allow(clippy::unwrap_used)]

use ceteris_graph::Graph;
use ceteris_graph::identify::verma_constraints;

/// Verma & Pearl's own example, and graphs that have none.
#[test]
fn verma_constraints_are_listed() {
    let graph = Graph::parse("A -> B -> C -> D; B <- U -> D; U [latent]").unwrap();
    let (found, complete) = verma_constraints(&graph, 10, 1_000_000);
    assert!(complete);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].district.clone(), found[0].independent_of.clone()),
        (vec!["D".into()], vec!["A".to_owned()])
    );
    for none in ["A -> B -> C -> D", "A -> B; A <-> B", "X -> Z -> Y; X <-> Y"] {
        assert_eq!(
            verma_constraints(&Graph::parse(none).unwrap(), 10, 1_000_000),
            (vec![], true),
            "{none}"
        );
    }
    assert!(!verma_constraints(&graph, 0, 1_000_000).1);
    assert!(!verma_constraints(&graph, 10, 1).1);
}
