//! What data can refute of a graph of which only some nodes are measured. Whether data do refute it is no question of the
//! graph, and is asked elsewhere.

use super::answer::Independence;
use super::budget::Budget;
use super::complete::{VermaConstraint, verma_constraints};
use super::criteria::implications;
use crate::graph::{Graph, NodeSet};

/// What a graph says of the distribution of its measured nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestableImplications {
    /// One for every pair of nodes that some set separates.
    pub independences: Vec<Independence>,
    /// Constraints that are no independences.
    pub verma: Vec<VermaConstraint>,
    /// Whether these are all; otherwise a bound or the budget ended a search.
    pub complete: bool,
}

/// The testable implications of a graph for data on `measured`, at most `limit` of either kind; each kind is searched for
/// in at most `steps_max` steps. Other nodes are taken as latent, save those that the sample was selected on: they are
/// conditioned on in all.
///
/// ```
/// use ceteris_graph::{Graph, NodeSet, identify::testable_implications};
/// let graph = Graph::parse("A -> B -> C; B -> D")?;
/// let measured: NodeSet = ["A", "B", "C"].iter().filter_map(|name| graph.id(name)).collect();
/// let implied = testable_implications(&graph, &measured, 10, 100_000);
/// assert!(implied.complete && implied.independences.len() == 1);
/// assert_eq!(implied.independences[0].given, ["B"]);
/// # Ok::<(), ceteris_graph::GraphError>(())
/// ```
#[must_use]
pub fn testable_implications(
    graph: &Graph,
    measured: &NodeSet,
    limit: usize,
    steps_max: u64,
) -> TestableImplications {
    let unseen = graph.all().difference(measured).difference(&graph.selected());
    let mut budget = Budget::new(steps_max);
    let Ok(projected) = budget.project(graph, &unseen) else {
        return TestableImplications::default();
    };
    let selected = projected.selected();
    let observed = projected.all().difference(&selected);
    let implied = implications::list(&projected, &observed, &selected, limit, &mut budget);
    let (verma, all) = verma_constraints(&projected, limit, steps_max);
    TestableImplications {
        independences: implied.found.iter().map(|one| one.named(&projected)).collect(),
        verma,
        complete: implied.complete && all,
    }
}
