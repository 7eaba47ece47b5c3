//! A query resolved against its graph: latent nodes projected away, names turned into sets, what may be used.

use super::query::{IdentifyError, Query, QueryFault};
use crate::graph::{Graph, NodeSet};
use std::collections::BTreeSet;

/// A checked query on a graph without latent nodes.
pub(super) struct Problem<'g> {
    pub(super) graph: &'g Graph,
    pub(super) x: NodeSet,
    pub(super) y: NodeSet,
    pub(super) given: NodeSet,
    /// In every adjustment set.
    pub(super) required: NodeSet,
    /// Conditioned on by the sample, so no variable of the data.
    pub(super) selected: NodeSet,
    pub(super) observed: NodeSet,
    /// What adjustment sets, front-door conditions and instruments may be made of.
    pub(super) allowed: NodeSet,
}

impl<'g> Problem<'g> {
    /// Resolves a query that [`check`] let pass on the projection of the same graph.
    pub(super) fn new(graph: &'g Graph, query: &Query) -> Self {
        let set = |names: &[String]| -> NodeSet { names.iter().filter_map(|name| graph.id(name)).collect() };
        let (x, y, given) = (set(&query.treatments), set(&query.outcomes), set(&query.given));
        let late = |when| query.forbidden_clocks.contains(&when);
        let barred: NodeSet = graph
            .nodes()
            .filter(|(_, n)| n.when().is_some_and(late))
            .map(|(id, _)| id)
            .collect();
        let selected = graph.selected();
        let required = set(&query.required).difference(&given);
        let used = x
            .union(&y)
            .union(&given)
            .union(&barred)
            .union(&set(&query.forbidden));
        let observed = graph.all().difference(&selected);
        let allowed = observed.difference(&used);
        Self {
            graph,
            x,
            y,
            given,
            required,
            selected,
            observed,
            allowed,
        }
    }

    /// The cost of one pass over the graph.
    pub(super) fn pass(&self) -> usize {
        self.graph.len() + self.graph.edge_count()
    }
}

/// The nodes a query cannot see: latent ones, and unmeasured ones if it says so.
pub(super) fn unseen(graph: &Graph, query: &Query) -> NodeSet {
    let asked = |name: &String| query.treatments.contains(name) || query.outcomes.contains(name);
    graph
        .nodes()
        .filter(|(_, n)| {
            let unmeasured = query.measured_only && n.measured_by.is_empty();
            n.latent || (unmeasured && !n.selected && !asked(&n.name))
        })
        .map(|(id, _)| id)
        .collect()
}

/// Finds everything wrong with a query.
pub(super) fn check(graph: &Graph, query: &Query) -> Result<(), IdentifyError> {
    let unseen = unseen(graph, query);
    let parts = [
        ("treatment", &query.treatments),
        ("outcome", &query.outcomes),
        ("given", &query.given),
        ("required", &query.required),
    ];
    let mut faults = Vec::new();
    for (part, names) in &parts[..2] {
        if names.is_empty() {
            faults.push(QueryFault::Missing(part));
        }
    }
    for (i, (part, names)) in parts.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for node in names.iter() {
            match graph.id(node) {
                None => faults.push(QueryFault::Unknown {
                    part,
                    node: node.clone(),
                }),
                Some(id) if unseen.contains(id) => faults.push(QueryFault::Latent {
                    part,
                    node: node.clone(),
                }),
                Some(id) if graph.node(id).selected => faults.push(QueryFault::Selected {
                    part,
                    node: node.clone(),
                }),
                Some(_) => {}
            }
            if !seen.insert(node) {
                faults.push(QueryFault::Repeated {
                    part,
                    node: node.clone(),
                });
            }
            for (second, others) in &parts[i + 1..] {
                // A condition is conditioned on whether it is also required or not.
                if others.contains(node) && (*part, *second) != ("given", "required") {
                    faults.push(QueryFault::Twice {
                        node: node.clone(),
                        first: part,
                        second,
                    });
                }
            }
        }
    }
    for (part, names) in [
        ("forbidden", query.forbidden.iter().collect::<Vec<_>>()),
        ("costs", query.costs.keys().collect()),
    ] {
        for node in names.into_iter().filter(|name| graph.id(name).is_none()) {
            faults.push(QueryFault::Unknown {
                part,
                node: node.clone(),
            });
        }
    }
    let late = |node: &&String| {
        let when = graph.id(node).and_then(|id| graph.node(id).when());
        query.forbidden.contains(node) || when.is_some_and(|when| query.forbidden_clocks.contains(&when))
    };
    let contradictory = query
        .required
        .iter()
        .filter(|node| !query.given.contains(node))
        .filter(late);
    faults.extend(contradictory.cloned().map(QueryFault::Contradictory));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(IdentifyError { faults })
    }
}
