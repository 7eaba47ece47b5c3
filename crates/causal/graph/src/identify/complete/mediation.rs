//! Natural direct and indirect effects: whether P(Y(x, M(x'))), the outcome under x with the mediators as they would
//! be under x', follows from observed data, by the recanting-district criterion (Shpitser 2013). It is sound and
//! complete where errors of different worlds are those of one structural model.

use super::id::{Failure, factors, named_factors};
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::budget::Budget;
use crate::identify::expression::{Estimand, Expr, Var, bind, symbol};
use crate::identify::problem::{self, Problem};
use crate::identify::{DistrictFactor, IdentifyError, Query, QueryFault, Witness};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a nested counterfactual needs beyond the graph of interventions.
const ASSUMPTION: &str = "one structural model answers for both values of the treatment at once";

/// The answer about effects through mediators and past them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mediation {
    /// Whether P(Y(x, M(x'))) is identified. `None`: the budget was spent first.
    pub identifiable: Option<bool>,
    /// P(Y(x, M(x'))): free in the outcome, in the treatment (its value on the direct ways) and in the treatment with
    /// a prime (its value on the ways through the mediators).
    pub estimand: Option<Estimand>,
    /// The estimand as an equation.
    pub latex: Option<String>,
    /// The natural direct and indirect effect in terms of it.
    pub effects: Vec<String>,
    /// What must be assumed beyond the graph.
    pub assumptions: Vec<String>,
    /// Why not.
    pub witness: Option<Witness>,
    /// Where the budget ran out, the parts of the formula that were identified. No district recants then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<DistrictFactor>,
    /// What was not finished: `projection` or `estimand` where the budget ran out, `selection` where the sample is
    /// selected, for which no criterion is known here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<String>,
}

/// Decides P(Y(x, M(x'))) for one treatment, one outcome and a set of mediators. Of the query its ends, budget and
/// what may be measured are read.
///
/// # Errors
/// As [`crate::identify::identify`]; several treatments or outcomes, conditions, and mediators that are unknown, latent or ends.
///
/// ```
/// use ceteris_graph::{Graph, identify::{Query, mediate}};
/// let graph = Graph::parse("X -> M -> Y; X -> Y")?;
/// let answer = mediate(&graph, &Query::new("X", "Y"), &["M"])?;
/// assert_eq!(answer.estimand.unwrap().latex(), r"\sum_{M} P(M \mid X')\, P(Y \mid X, M)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mediate<S: AsRef<str>>(
    graph: &Graph,
    query: &Query,
    mediators: &[S],
) -> Result<Mediation, IdentifyError> {
    problem::check(graph, query)?;
    let mut faults = Vec::new();
    if query.treatments.len() != 1 || query.outcomes.len() != 1 || !query.given.is_empty() {
        faults.push(QueryFault::Single("mediation, which takes no conditions,"));
    }
    let unseen = problem::unseen(graph, query);
    for node in mediators.iter().map(AsRef::as_ref) {
        let (part, node) = ("mediator", node.to_owned());
        match graph.id(&node) {
            None => faults.push(QueryFault::Unknown { part, node }),
            Some(id) if unseen.contains(id) => faults.push(QueryFault::Latent { part, node }),
            Some(_) if query.treatments.contains(&node) || query.outcomes.contains(&node) => {
                let first = if query.treatments.contains(&node) {
                    "treatment"
                } else {
                    "outcome"
                };
                faults.push(QueryFault::Twice {
                    node,
                    first,
                    second: part,
                });
            }
            Some(_) => {}
        }
    }
    if !faults.is_empty() {
        return Err(IdentifyError { faults });
    }
    let mut budget = Budget::new(query.steps_max);
    let Ok(projected) = budget.project(graph, &unseen) else {
        return Ok(Mediation {
            unfinished: vec!["projection".to_owned()],
            ..blank()
        });
    };
    let problem = Problem::new(&projected, query);
    let through: NodeSet = mediators
        .iter()
        .filter_map(|name| projected.id(name.as_ref()))
        .collect();
    Ok(decide(&problem, &through, &mut budget))
}

fn blank() -> Mediation {
    Mediation {
        identifiable: None,
        estimand: None,
        latex: None,
        effects: Vec::new(),
        assumptions: vec![ASSUMPTION.to_owned()],
        witness: None,
        factors: Vec::new(),
        unfinished: Vec::new(),
    }
}

fn decide(problem: &Problem, through: &NodeSet, budget: &mut Budget) -> Mediation {
    let mut answer = blank();
    let mut refuse = |witness: Witness| {
        answer.identifiable = Some(false);
        answer.witness = Some(witness);
    };
    if !problem.selected.is_empty() {
        answer.assumptions.clear();
        answer.unfinished.push("selection".to_owned());
        return answer;
    }
    let ways = Ways::of(problem, through);
    if let Some(witness) = ways.recanting(problem.graph) {
        refuse(witness);
        return answer;
    }
    match factors(problem.graph, &problem.x, &problem.y, budget) {
        Err(Failure::Spent(parts)) => {
            answer.factors = named_factors(problem, &parts);
            answer.unfinished.push("estimand".to_owned());
        }
        Err(Failure::Hedge { hedge, x, y }) => refuse(hedge.witness(problem.graph, &x, &y)),
        Ok(parts) => {
            let estimand = ways
                .formula(problem, parts)
                .named(problem.graph, &problem.x.union(&problem.y));
            let graph = problem.graph;
            let name = |set: &NodeSet| symbol(graph.names(set).first().map_or("", String::as_str));
            let (x, y) = (name(&problem.x), name(&problem.y));
            let m: Vec<String> = graph.names(through).iter().map(|name| symbol(name)).collect();
            let nested = format!("{y}({x}, {}({x}'))", m.join(", "));
            answer.latex = Some(format!("P({nested}) = {}", estimand.latex()));
            answer.effects = vec![
                format!("natural direct effect: E[{nested}] - E[{y}({x}')]"),
                format!("natural indirect effect: E[{y}({x})] - E[{nested}]"),
            ];
            answer.identifiable = Some(true);
            answer.estimand = Some(estimand);
        }
    }
    answer
}

/// Which ways from the treatment to the outcome its children lie on.
struct Ways {
    /// The ancestors of the outcome that the treatment does not cut off, the treatment left out.
    relevant: NodeSet,
    /// Children from which a path to the outcome passes a mediator, themselves included.
    mediated: NodeSet,
    /// Children from which a path to the outcome passes none.
    direct: NodeSet,
}

impl Ways {
    fn of(problem: &Problem, through: &NodeSet) -> Self {
        let view = problem.graph.view().without(&problem.x);
        let relevant = view.ancestors(&problem.y);
        let whole = problem.graph.view();
        let children: NodeSet = problem.x.iter().flat_map(|x| whole.children(x)).collect();
        let children = children.intersection(&relevant);
        let past = view.clone().without(through).ancestors(&problem.y);
        let by = view.ancestors(&through.intersection(&relevant));
        Self {
            mediated: children.intersection(&by),
            direct: children.intersection(&past),
            relevant,
        }
    }

    /// A district in which one node answers to x and one, perhaps the same, to x'.
    fn recanting(&self, graph: &Graph) -> Option<Witness> {
        let view = graph.view().within(&self.relevant);
        let name = |v: NodeId| graph.node(v).name.clone();
        view.districts().into_iter().find_map(|district| {
            let direct = district.intersection(&self.direct);
            let mediated = district.intersection(&self.mediated);
            // One node that is both is the plainer reason.
            let both = direct.intersection(&mediated).smallest();
            let pair = both
                .map(|v| (v, v))
                .or(direct.smallest().zip(mediated.smallest()));
            pair.map(|(direct, mediated)| Witness::RecantingDistrict {
                district: graph.names(&district),
                direct: name(direct),
                mediated: name(mediated),
            })
        })
    }

    /// The product of the districts' factors, with x' for x in those that a mediated way enters.
    fn formula(&self, problem: &Problem, parts: Vec<(NodeSet, Expr)>) -> Expr {
        let other = 1 + parts.iter().map(|(_, q)| q.copies_max()).max().unwrap_or(0);
        let turned: BTreeMap<Var, Var> = problem
            .x
            .iter()
            .map(|node| (Var { node, copy: 0 }, Var { node, copy: other }))
            .collect();
        let factors = parts
            .into_iter()
            .map(|(district, q)| {
                if district.is_disjoint(&self.mediated) {
                    q
                } else {
                    q.renamed(&turned)
                }
            })
            .collect();
        bind(&self.relevant.difference(&problem.y), Expr::product(factors))
    }
}
