//! Which covariates a unit-level effect may be conditioned on: sets for which E[Y(a) - Y(0) | X] follows from
//! regressions on X, and the largest such set that helps.

use super::adjustment::{is_adjustment_set, never_adjusted, proper_backdoor};
use super::adjustment_sets::minimal_adjustment_sets;
use super::instrument::only_moves;
use super::optimal::optimal_set;
use crate::graph::{Clock, Graph, NodeId, NodeSet, Role};
use crate::identify::budget::Budget;
use crate::identify::expression::listed;
use crate::identify::{Query, STEPS_MAX_DEFAULT, Witness, problem};
use serde::{Deserialize, Serialize};

/// How many minimal sets are compared in size.
const SETS_MAX: usize = 100;

/// The proof that a set of covariates will do, as a manifest keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditioning {
    /// The covariates, in the order of the graph.
    pub covariates: Vec<String>,
    /// A part of them that suffices for the average effect.
    pub adjustment_set: Vec<String>,
    /// Those that only move the treatment: they cost precision and could be left out.
    pub instruments: Vec<String>,
    /// The proof in one sentence.
    pub proof: String,
}

/// Whether E[Y(a) - Y(0) | wanted] = E[Y | a, wanted] - E[Y | 0, wanted] in every model of the graph: no wanted node is
/// latent, descends from the treatment or takes its value after the decision, and together they close every back-door
/// path. Effect modifiers may be among them.
///
/// # Errors
/// The witness: a barred or unknown node, or a path that stays open.
pub fn valid_conditioning<S: AsRef<str>>(
    graph: &Graph,
    treatment: &str,
    outcome: &str,
    wanted: &[S],
) -> Result<Conditioning, Witness> {
    let (x, y) = ends(graph, treatment, outcome)?;
    let below = graph.view().descendants(&x);
    let mut covariates = NodeSet::new();
    for name in wanted.iter().map(AsRef::as_ref) {
        let id = graph
            .id(name)
            .ok_or_else(|| barred(name, "the graph does not know it"))?;
        let node = graph.node(id);
        let reason = if x.contains(id) || y.contains(id) {
            Some("it is the treatment or the outcome")
        } else if node.latent {
            Some("it is latent")
        } else if node.selected {
            Some("the sample is selected on it")
        } else if unmeasured(graph, id) {
            Some("no column measures it")
        } else if below.contains(id) {
            Some("it descends from the treatment")
        } else if !matches!(node.when(), None | Some(Clock::Before)) {
            Some("it is measured after the decision")
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(barred(name, reason));
        }
        covariates.insert(id);
    }
    proven(graph, &x, &y, &covariates)
}

/// The covariates to train a unit-level effect on: all measured nodes known before the decision that do not descend
/// from the treatment, are no treatments themselves and do not merely move the treatment, if together they close every
/// back-door path; else the optimal set, else the smallest minimal one, drawn from the same nodes.
///
/// A node is measured when it is not latent and, where any node of the graph says what measures it, says so too.
///
/// # Errors
/// The witness, when no set of such nodes will do.
pub fn maximal_pretreatment_set(
    graph: &Graph,
    treatment: &str,
    outcome: &str,
) -> Result<Conditioning, Witness> {
    let (x, y) = ends(graph, treatment, outcome)?;
    let candidates = candidates(graph, &x, &y);
    let mut kept = candidates.clone();
    for v in candidates.iter() {
        let others = kept.difference(&NodeSet::one(v));
        if graph.node(v).role == Some(Role::Instrument) || only_moves(graph, v, &x, &y, &others) {
            kept = others;
        }
    }
    // A declared instrument may be needed after all; it is dropped only where the rest suffices.
    for set in [kept, candidates.clone()] {
        if is_adjustment_set(graph, &x, &y, &set) {
            return proven(graph, &x, &y, &set);
        }
    }
    if let Ok(best) = optimal_set(
        graph,
        &x,
        &y,
        &NodeSet::new(),
        &candidates,
        &mut Budget::new(STEPS_MAX_DEFAULT),
    ) {
        return proven(graph, &x, &y, &best);
    }
    let (sets, complete) = minimal_adjustment_sets(graph, &x, &y, &candidates, SETS_MAX, STEPS_MAX_DEFAULT);
    match sets.first() {
        Some(set) => proven(graph, &x, &y, set),
        None if !complete => Err(Witness::Strategy {
            reason: "the search for a set ran out of budget".to_owned(),
        }),
        None => {
            let never = never_adjusted(graph, &x, &y);
            let view = proper_backdoor(graph, &x, &y);
            let widest = view
                .ancestors(&x.union(&y))
                .intersection(&candidates)
                .difference(&never);
            proven(graph, &x, &y, &widest)
        }
    }
}

/// Whether other nodes say what measures them and this one does not.
fn unmeasured(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).measured_by.is_empty() && graph.nodes().any(|(_, node)| !node.measured_by.is_empty())
}

fn candidates(graph: &Graph, x: &NodeSet, y: &NodeSet) -> NodeSet {
    let below = graph.view().descendants(x);
    let eligible = |id: NodeId| {
        let node = graph.node(id);
        !node.latent
            && !node.selected
            && !unmeasured(graph, id)
            && node.when() == Some(Clock::Before)
            && node.role != Some(Role::Treatment)
            && !below.contains(id)
            && !y.contains(id)
    };
    graph.all().iter().filter(|&id| eligible(id)).collect()
}

/// The proof, or the path that stays open.
fn proven(graph: &Graph, x: &NodeSet, y: &NodeSet, covariates: &NodeSet) -> Result<Conditioning, Witness> {
    if let Some(path) = proper_backdoor(graph, x, y).open_path(x, y, covariates) {
        return Err(Witness::OpenPath { path });
    }
    let (sets, _) = minimal_adjustment_sets(graph, x, y, covariates, 1, STEPS_MAX_DEFAULT);
    let smallest = sets.into_iter().next().unwrap_or_else(|| covariates.clone());
    let idle = |&v: &NodeId| only_moves(graph, v, x, y, &covariates.difference(&NodeSet::one(v)));
    let instruments: NodeSet = covariates.iter().filter(idle).collect();
    let (x, y) = (graph.names(x).join(", "), graph.names(y).join(", "));
    let names = listed(&graph.names(covariates));
    let proof = format!(
        "given {names}, no back-door path from {x} to {y} is open and none of them descends from {x}, so effects \
         given them equal differences of regressions (adjustment criterion)"
    );
    Ok(Conditioning {
        covariates: graph.names(covariates),
        adjustment_set: graph.names(&smallest),
        instruments: graph.names(&instruments),
        proof,
    })
}

/// The two ends of an effect, checked.
fn ends(graph: &Graph, treatment: &str, outcome: &str) -> Result<(NodeSet, NodeSet), Witness> {
    problem::check(graph, &Query::new(treatment, outcome)).map_err(|error| Witness::Strategy {
        reason: error.to_string(),
    })?;
    let one = |name: &str| graph.id(name).into_iter().collect();
    Ok((one(treatment), one(outcome)))
}

fn barred(node: &str, reason: &str) -> Witness {
    Witness::Barred {
        node: node.to_owned(),
        reason: reason.to_owned(),
    }
}
