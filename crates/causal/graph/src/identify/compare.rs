//! Which answers change from one version of a graph to the next.

use super::expression::Estimand;
use super::query::{IdentifyError, Query, Strategy};
use super::strategy::identify;
use crate::graph::{Graph, Role};
use serde::Serialize;

/// What one version of a graph says of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// As in [`super::Identification`]; `None` also where the query does not fit this version.
    pub identifiable: Option<bool>,
    /// How.
    pub strategy: Option<Strategy>,
    /// By which formula.
    pub estimand: Option<Estimand>,
    /// The formula in LaTeX.
    pub latex: Option<String>,
    /// Why there is none.
    pub reason: Option<String>,
}

/// A query that two versions of a graph answer differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EstimandChange {
    /// What is set.
    pub treatments: Vec<String>,
    /// What is asked about.
    pub outcomes: Vec<String>,
    /// What is conditioned on.
    pub given: Vec<String>,
    /// By the older version.
    pub before: Verdict,
    /// By the newer version.
    pub after: Verdict,
}

/// The queries of which the two versions differ in verdict, strategy or formula, in their order.
#[must_use]
pub fn estimands_changed(older: &Graph, newer: &Graph, queries: &[Query]) -> Vec<EstimandChange> {
    queries
        .iter()
        .map(|query| EstimandChange {
            treatments: query.treatments.clone(),
            outcomes: query.outcomes.clone(),
            given: query.given.clone(),
            before: verdict(older, query),
            after: verdict(newer, query),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

/// Every pair of a treatment and an outcome, by the roles that either version gives.
#[must_use]
pub fn queries_of_roles(graphs: &[&Graph]) -> Vec<Query> {
    let named = |role: Role| -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (_, node) in graphs.iter().flat_map(|graph| graph.nodes()) {
            if node.role == Some(role) && !names.contains(&node.name) {
                names.push(node.name.clone());
            }
        }
        names
    };
    let outcomes = named(Role::Outcome);
    let pairs = named(Role::Treatment)
        .into_iter()
        .flat_map(|x| outcomes.iter().map(move |y| Query::new(x.clone(), y.clone())));
    pairs.collect()
}

fn verdict(graph: &Graph, query: &Query) -> Verdict {
    match identify(graph, query) {
        Ok(answer) => Verdict {
            identifiable: answer.identifiable,
            strategy: answer.strategy,
            estimand: answer.estimand,
            latex: answer.latex,
            reason: answer.witness.map(|witness| witness.to_string()),
        },
        Err(IdentifyError { faults }) => Verdict {
            identifiable: None,
            strategy: None,
            estimand: None,
            latex: None,
            reason: faults.first().map(ToString::to_string),
        },
    }
}
