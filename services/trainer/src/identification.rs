//! What may be served: identification of every treatment × outcome, from the graph alone.

use ceteris_contract::manifest::NotServed;
use ceteris_contract::problem::{NodeSpec, Problem};
use ceteris_graph::identify::{
    Conditioning, Identification, IdentifyError, Query, Witness, identify, maximal_pretreatment_set,
    valid_conditioning,
};
use ceteris_graph::{Clock, Graph, NodeSet};
use serde::Deserialize;
use serde_json::json;

/// One treatment × outcome whose effect per unit is identified.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// Position among the problem's treatments.
    pub treatment: usize,
    /// Position among the problem's outcomes.
    pub outcome: usize,
    /// The nodes that are conditioned on, with the proof.
    pub conditioning: Conditioning,
    /// The part of them that moves the treatment once the others are known: all that propensities depend on.
    pub moving: Vec<String>,
    /// The answer for the average effect, estimand and all.
    pub identification: Identification,
}

/// What the graph says of a whole problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identified {
    /// Effects to estimate, in the problem's order.
    pub proven: Vec<Proven>,
    /// Effects that are not served per unit, with reason and witness.
    pub not_served: Vec<NotServed>,
}

/// Asks the graph about every treatment × outcome.
///
/// An effect per unit needs a set of measured pre-treatment nodes, those of the effect basis among them, that closes
/// every back-door path: then E[Y(a) − Y(0) | X] = E[Y | a, X] − E[Y | 0, X].
///
/// # Errors
/// A query that names what the graph does not have, which a checked problem cannot.
pub fn identify_effects(problem: &Problem, graph: &Graph) -> Result<Identified, IdentifyError> {
    let modifiers = modifier_nodes(problem);
    let mut identified = Identified::default();
    for (t, treatment) in problem.treatments.iter().enumerate() {
        for (o, outcome) in problem.outcomes.iter().enumerate() {
            let mut query = Query::new(&treatment.node, &outcome.node);
            query.measured_only = true;
            // A column measured after t is never adjusted for, even where the graph would allow it.
            query.forbidden_clocks = vec![Clock::Mediator, Clock::Outcome];
            let identification = identify(graph, &query)?;
            match condition(graph, &treatment.node, &outcome.node, &modifiers) {
                Ok(conditioning) => {
                    let moving = moving(graph, &treatment.node, &conditioning.covariates);
                    identified.proven.push(Proven {
                        treatment: t,
                        outcome: o,
                        conditioning,
                        moving,
                        identification,
                    });
                }
                Err(witness) => identified.not_served.push(NotServed {
                    treatment: treatment.name.clone(),
                    outcome: outcome.name.clone(),
                    reason: match identification.identifiable {
                        Some(true) => "unit_effect_unavailable".to_owned(),
                        _ => "not_identified".to_owned(),
                    },
                    witness: json!({ "per_unit": witness, "on_average": identification }),
                }),
            }
        }
    }
    Ok(identified)
}

/// Why an effect is not served, in a sentence that names the witness: the hedge or the open path.
pub(crate) fn refusal(effect: &NotServed) -> String {
    let average = &effect.witness["on_average"];
    // Where not even the average is identified, its witness says more than the unit's open path.
    let witness = match average["identifiable"].as_bool() {
        Some(false) => &average["witness"],
        _ => &effect.witness["per_unit"],
    };
    let because =
        Witness::deserialize(witness).map_or_else(|_| String::new(), |witness| format!(": {witness}"));
    format!(
        "{} on {}: {}{because}",
        effect.treatment, effect.outcome, effect.reason
    )
}

fn condition(graph: &Graph, x: &str, y: &str, modifiers: &[String]) -> Result<Conditioning, Witness> {
    let mut wanted = maximal_pretreatment_set(graph, x, y)?.covariates;
    for modifier in modifiers {
        if !wanted.contains(modifier) {
            wanted.push(modifier.clone());
        }
    }
    valid_conditioning(graph, x, y, &wanted)
}

/// The nodes that the effect basis measures, in graph order.
fn modifier_nodes(problem: &Problem) -> Vec<String> {
    let measures = |node: &&NodeSpec| {
        node.measured_by
            .iter()
            .any(|view| problem.effect_basis.contains(view))
    };
    problem
        .graph
        .nodes
        .iter()
        .filter(measures)
        .map(|node| node.name.clone())
        .collect()
}

/// The covariates left when each that is m-separated from the treatment by those still there is dropped in turn. By
/// the graphoid axioms the treatment is then independent of all that were dropped, given those left: its propensity
/// given all of them is that given these, and a model of it need not learn the others' zeros from noise.
fn moving(graph: &Graph, treatment: &str, covariates: &[String]) -> Vec<String> {
    let set = |names: &[String]| -> NodeSet { names.iter().filter_map(|name| graph.id(name)).collect() };
    let x: NodeSet = graph.id(treatment).into_iter().collect();
    let mut left = set(covariates);
    for id in set(covariates).iter() {
        let others = left.difference(&NodeSet::one(id));
        if graph.view().m_separated(&x, &NodeSet::one(id), &others) {
            left = others;
        }
    }
    graph.names(&left)
}
