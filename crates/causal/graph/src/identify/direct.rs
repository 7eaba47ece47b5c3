//! Direct effects: the controlled one, P(y | do(x, the other parents of y)), by the complete algorithm; and the path
//! coefficient of x -> y in a linear model, by single-door sets (Pearl 1998; Brito & Pearl 2002).

use super::answer::Identification;
use super::budget::Budget;
use super::criteria::separators::{Separation, by_size};
use super::problem::{self, Problem};
use super::query::{IdentifyError, Query, QueryFault, Strategy};
use super::strategy::identify;
use crate::graph::{Graph, NodeSet};
use serde::Serialize;

/// What is known of the direct effect of one node on another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectEffect {
    /// Whether the graph has the edge, in the projection that leaves out latent nodes; without it the effect is none.
    /// `None`: the budget did not suffice for the projection.
    pub edge: Option<bool>,
    /// What is held fixed beside the treatment: the other parents of the outcome.
    pub held: Vec<String>,
    /// The controlled direct effect: the answer for P(outcome | do(treatment, held)).
    pub controlled: Identification,
    /// Minimal sets given which the regression coefficient of the treatment is the path coefficient; in a selected
    /// sample, among the selected.
    pub single_door_sets: Vec<Vec<String>>,
    /// What single-door sets assume beyond the graph: always `linearity`.
    pub assumptions: Vec<String>,
    /// Whether these are all the sets; otherwise a bound or the budget ended the search.
    pub complete: bool,
}

/// The direct effect of the query's treatment on its outcome. Nodes the query forbids are in no set.
///
/// # Errors
/// As [`identify`]; and a query with several treatments or outcomes.
pub fn direct_effect(graph: &Graph, query: &Query) -> Result<DirectEffect, IdentifyError> {
    problem::check(graph, query)?;
    if query.treatments.len() != 1 || query.outcomes.len() != 1 {
        return Err(IdentifyError {
            faults: vec![QueryFault::Single("a direct effect")],
        });
    }
    let mut budget = Budget::new(query.steps_max);
    let Ok(projected) = budget.project(graph, &problem::unseen(graph, query)) else {
        // Nothing is known of the edge either, so nothing is held.
        return Ok(DirectEffect {
            edge: None,
            held: Vec::new(),
            controlled: identify(graph, query)?,
            single_door_sets: Vec::new(),
            assumptions: vec!["linearity".to_owned()],
            complete: false,
        });
    };
    let asked = Problem::new(&projected, query);
    let (x, y) = (&asked.x, &asked.y);
    let others = projected
        .view()
        .parents_of(y)
        .difference(x)
        .difference(&asked.selected);
    let held = projected.names(&others);
    let mut controlled = query.clone();
    controlled.treatments.extend(held.iter().cloned());
    controlled.given.retain(|name| !held.contains(name));
    controlled.required.clear();
    controlled.strategy = Strategy::Auto;
    let allowed = asked.allowed.difference(&projected.view().descendants(y));
    // What the sample was selected on must be separated from the outcome too: then the regression among the selected is
    // that of the population.
    let mut sets = Separation {
        view: projected.view().without_between(x.clone(), y.clone()),
        x: &x.union(&asked.selected),
        y,
        include: &asked.given.union(&asked.required),
        allowed: &allowed,
    }
    .list(query.sets_max, &mut budget);
    let below: NodeSet = projected.view().descendants(y);
    if !asked.given.union(&asked.required).is_disjoint(&below) {
        sets.found.clear();
    }
    by_size(&mut sets.found);
    Ok(DirectEffect {
        edge: Some(x.is_subset(&projected.view().parents_of(y))),
        held,
        controlled: identify(graph, &controlled)?,
        single_door_sets: sets
            .found
            .iter()
            .map(|set| projected.names(&set.union(&asked.required)))
            .collect(),
        assumptions: vec!["linearity".to_owned()],
        complete: sets.complete,
    })
}
