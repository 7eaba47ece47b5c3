//! The entry point: one query, all strategies in order of preference, one answer.

use super::answer::{FrontDoorSet, Identification, Independence, InstrumentSet, Target};
use super::budget::Budget;
use super::expression::Expr;
use super::front_door::FrontDoor;
use super::id::Failure;
use super::instrument::Instrument;
use super::problem::{self, Problem};
use super::query::{IdentifyError, Query, Strategy};
use super::render::{query_latex, query_text};
use super::separators::Listing;
use super::{Witness, adjustment, backdoor, front_door, id, implications, instrument, optimal};
use crate::graph::{Graph, NodeSet};

/// Decides whether and how P(outcomes | do(treatments), given) follows from the graph and observed data.
///
/// Latent nodes are projected away first. With [`Strategy::Auto`] the first of back door, front door and the complete
/// ID or IDC algorithm that applies gives the estimand; where none does and there is an instrument, the answer is
/// `identifiable: false` with strategy `iv` and target `late`. Without any directed path from treatments to outcomes
/// the estimand is P(outcomes).
///
/// # Errors
/// A query that names no treatment or outcome, nodes that are unknown or latent, or a node in two places.
///
/// ```
/// use ceteris_causal::{graph::Graph, identify::{Query, Strategy, identify}};
/// let graph = Graph::parse("dag { X -> Z -> Y ; X <-> Y }")?;
/// let answer = identify(&graph, &Query::new("X", "Y"))?;
/// assert_eq!(answer.strategy, Some(Strategy::Frontdoor));
/// assert_eq!(answer.mediators, ["Z"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn identify(graph: &Graph, query: &Query) -> Result<Identification, IdentifyError> {
    problem::check(graph, query)?;
    let projected = graph.project_away(&problem::unseen(graph, query));
    let problem = Problem::new(&projected, query);
    let mut budget = Budget::new(query.steps_max);
    let mut answer = blank(query);
    // Lists that inform but do not decide get shares, so that the decision always has budget of its own.
    let sets = budget.share(4, |part| {
        let (x, y, given) = (&problem.x, &problem.y, &problem.given);
        adjustment::list(problem.graph, x, y, given, &problem.allowed, query.sets_max, part)
    });
    let decided = decide(&problem, query, &sets, &mut budget, &mut answer);
    report_adjustment(graph, query, &problem, &sets, &mut answer);
    let instruments = budget.share(2, |part| instrument::list(&problem, part));
    report_instruments(&problem, query, decided, instruments, &mut answer);
    let implied = implications::list(problem.graph, &problem.observed, query.sets_max, &mut budget);
    note(&mut answer, "testable_implications", implied.complete);
    answer.testable_implications = implied
        .found
        .into_iter()
        .map(|(a, b, given)| Independence {
            left: projected.node(a).name.clone(),
            right: projected.node(b).name.clone(),
            given: projected.names(&given),
        })
        .collect();
    Ok(answer)
}

fn blank(query: &Query) -> Identification {
    Identification {
        identifiable: None,
        target: if query.given.is_empty() {
            Target::Ate
        } else {
            Target::Cate
        },
        assumptions: Vec::new(),
        strategy: None,
        adjustment_sets: Vec::new(),
        optimal_adjustment_set: None,
        optimal_adjustment_set_reason: None,
        mediators: Vec::new(),
        front_door_sets: Vec::new(),
        instruments: Vec::new(),
        instrument_sets: Vec::new(),
        estimand: None,
        latex: None,
        words: None,
        witness: None,
        testable_implications: Vec::new(),
        unfinished: Vec::new(),
    }
}

/// Notes a list that may lack entries.
fn note(answer: &mut Identification, list: &str, complete: bool) {
    if !complete {
        answer.unfinished.push(list.to_owned());
    }
}

/// Tries the strategies the query allows; tells whether the answer to "identifiable?" is known.
fn decide(
    problem: &Problem,
    query: &Query,
    sets: &Listing<NodeSet>,
    budget: &mut Budget,
    answer: &mut Identification,
) -> bool {
    let tries = |strategy| query.strategy == Strategy::Auto || query.strategy == strategy;
    if no_effect(problem, budget) && query.strategy != Strategy::Iv {
        let by = if sets.found.is_empty() {
            Strategy::Id
        } else {
            Strategy::Backdoor
        };
        let by = if query.strategy == Strategy::Auto {
            by
        } else {
            query.strategy
        };
        return found(problem, query, by, &Expr::p(&problem.y, &NodeSet::new()), answer);
    }
    if tries(Strategy::Backdoor) {
        if let Some(set) = sets.found.first() {
            return found(
                problem,
                query,
                Strategy::Backdoor,
                &backdoor::estimand(problem, set),
                answer,
            );
        }
        if query.strategy == Strategy::Backdoor {
            return sets.complete && refused(answer, no_adjustment_set(problem));
        }
    }
    if tries(Strategy::Frontdoor) {
        let share = if query.strategy == Strategy::Auto { 2 } else { 1 };
        let doors = budget.share(share, |part| front_door::list(problem, query.sets_max, part));
        note(answer, "front_door_sets", doors.complete);
        let named = |door: &FrontDoor| FrontDoorSet {
            mediators: problem.graph.names(&door.mediators),
            given: problem.graph.names(&door.given),
        };
        answer.front_door_sets = doors.found.iter().map(named).collect();
        if let Some(door) = doors.found.first() {
            answer.mediators = problem.graph.names(&door.mediators);
            return found(
                problem,
                query,
                Strategy::Frontdoor,
                &front_door::estimand(problem, door),
                answer,
            );
        }
        if query.strategy == Strategy::Frontdoor {
            let reason =
                "no allowed mediators catch the whole effect with both halves unconfounded".to_owned();
            return doors.complete && refused(answer, Witness::Strategy { reason });
        }
    }
    if !tries(Strategy::Id) {
        let reason =
            "an instrument alone does not identify the effect without further assumptions".to_owned();
        return refused(answer, Witness::Strategy { reason });
    }
    let result = match problem.given.is_empty() {
        true => id::id(problem.graph, &problem.x, &problem.y, budget),
        false => id::idc(problem.graph, &problem.x, &problem.y, &problem.given, budget),
    };
    match result {
        Ok(estimand) => found(problem, query, Strategy::Id, &estimand, answer),
        Err(Failure::Spent) => false,
        Err(Failure::Hedge { hedge, x, y }) => {
            let names = |set: &NodeSet| problem.graph.names(set);
            let (forest, inner, roots) = (names(&hedge.forest), names(&hedge.inner), names(&hedge.roots));
            let query = query_text(&names(&x), &names(&y), &[]);
            refused(
                answer,
                Witness::Hedge {
                    forest,
                    inner,
                    roots,
                    query,
                },
            )
        }
    }
}

/// Whether no directed path leads from a treatment to an outcome; only asked of unconditional effects.
fn no_effect(problem: &Problem, budget: &mut Budget) -> bool {
    problem.given.is_empty()
        && budget.spend(problem.pass()).is_ok()
        && problem
            .graph
            .view()
            .descendants(&problem.x)
            .is_disjoint(&problem.y)
}

fn found(
    problem: &Problem,
    query: &Query,
    by: Strategy,
    estimand: &Expr,
    answer: &mut Identification,
) -> bool {
    let asked = problem.x.union(&problem.y).union(&problem.given);
    let estimand = estimand.named(problem.graph, &asked);
    let left = query_latex(&query.treatments, &query.outcomes, &query.given);
    answer.identifiable = Some(true);
    answer.strategy = Some(by);
    answer.latex = Some(format!("{left} = {}", estimand.latex()));
    answer.words = Some(estimand.words());
    answer.estimand = Some(estimand);
    true
}

fn refused(answer: &mut Identification, witness: Witness) -> bool {
    answer.identifiable = Some(false);
    answer.witness = Some(witness);
    true
}

/// The path that stays open whatever is conditioned on. The allowed ancestors close as much as anything can.
fn no_adjustment_set(problem: &Problem) -> Witness {
    let (graph, x, y) = (problem.graph, &problem.x, &problem.y);
    let never = adjustment::never_adjusted(graph, x, y);
    if let Some(node) = problem
        .given
        .intersection(&never.union(&graph.view().descendants(x)))
        .smallest()
    {
        let reason = "it descends from the treatment".to_owned();
        return Witness::Barred {
            node: graph.node(node).name.clone(),
            reason,
        };
    }
    let view = adjustment::proper_backdoor(graph, x, y);
    let ends = x.union(y).union(&problem.given);
    let widest = view
        .ancestors(&ends)
        .intersection(&problem.allowed)
        .difference(&never)
        .union(&problem.given);
    match view.open_path(x, y, &widest) {
        Some(path) => Witness::OpenPath { path },
        None => Witness::Strategy {
            reason: "no set of allowed pre-treatment nodes adjusts for the query".to_owned(),
        },
    }
}

fn report_adjustment(
    graph: &Graph,
    query: &Query,
    problem: &Problem,
    sets: &Listing<NodeSet>,
    answer: &mut Identification,
) {
    note(answer, "adjustment_sets", sets.complete);
    answer.adjustment_sets = sets.found.iter().map(|set| problem.graph.names(set)).collect();
    if !query.given.is_empty() {
        let reason = "defined for the effect in the whole population only".to_owned();
        answer.optimal_adjustment_set_reason = Some(reason);
        return;
    }
    // The optimal set is read off the graph as drawn, where latents are nodes.
    let here = |set: &NodeSet| -> NodeSet {
        problem
            .graph
            .names(set)
            .iter()
            .filter_map(|n| graph.id(n))
            .collect()
    };
    match optimal::optimal_set(
        graph,
        &here(&problem.x),
        &here(&problem.y),
        &here(&problem.allowed),
    ) {
        Ok(best) => {
            answer.optimal_adjustment_set = Some(graph.names(&best));
            let inside: NodeSet = graph
                .names(&best)
                .iter()
                .filter_map(|n| problem.graph.id(n))
                .collect();
            if answer.strategy == Some(Strategy::Backdoor) {
                found(
                    problem,
                    query,
                    Strategy::Backdoor,
                    &backdoor::estimand(problem, &inside),
                    answer,
                );
            }
        }
        Err(reason) => answer.optimal_adjustment_set_reason = Some(reason),
    }
}

fn report_instruments(
    problem: &Problem,
    query: &Query,
    decided: bool,
    instruments: Listing<Instrument>,
    answer: &mut Identification,
) {
    note(answer, "instruments", instruments.complete);
    let name = |i: &Instrument| problem.graph.node(i.node).name.clone();
    answer.instruments = instruments.found.iter().map(name).collect();
    let set = |i: &Instrument| InstrumentSet {
        instrument: name(i),
        given: problem.graph.names(&i.given),
    };
    answer.instrument_sets = instruments.found.iter().map(set).collect();
    let asked = matches!(query.strategy, Strategy::Auto | Strategy::Iv);
    if asked && decided && answer.identifiable == Some(false) && !answer.instruments.is_empty() {
        answer.strategy = Some(Strategy::Iv);
        answer.target = Target::Late;
        answer.assumptions = vec!["monotonicity".to_owned()];
    }
    if query.strategy == Strategy::Iv && answer.instruments.is_empty() {
        let complete = instruments.complete;
        answer.identifiable = complete.then_some(false);
        let reason = "no allowed node is an instrument of the treatment for the outcome".to_owned();
        answer.witness = complete.then_some(Witness::Strategy { reason });
    }
}
