//! The entry point: one query, all strategies in order of preference, one answer.

use super::answer::{FrontDoorSet, Identification, InstrumentSet, Target};
use super::budget::Budget;
use super::complete::{self, Failure, named_factors};
use super::criteria::adjustment_sets::AdjustmentSearch;
use super::criteria::front_door::FrontDoor;
use super::criteria::instrument::Instrument;
use super::criteria::separators::Listing;
use super::criteria::{adjustment, backdoor, front_door, implications, instrument, optimal, selection};
use super::expression::{Expr, query_latex, symbol};
use super::problem::{self, Problem};
use super::query::{IdentifyError, Query, Strategy};
use super::{BoundsOffer, Witness};
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
/// use ceteris_graph::{Graph, identify::{Query, Strategy, identify}};
/// let graph = Graph::parse("dag { X -> Z -> Y ; X <-> Y }")?;
/// let answer = identify(&graph, &Query::new("X", "Y"))?;
/// assert_eq!(answer.strategy, Some(Strategy::Frontdoor));
/// assert_eq!(answer.mediators, ["Z"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn identify(graph: &Graph, query: &Query) -> Result<Identification, IdentifyError> {
    identify_within(graph, query, &mut Budget::new(query.steps_max))
}

/// The same on what is left of a budget.
pub(super) fn identify_within(
    graph: &Graph,
    query: &Query,
    budget: &mut Budget,
) -> Result<Identification, IdentifyError> {
    problem::check(graph, query)?;
    let mut answer = blank(query);
    let Ok(projected) = budget.project(graph, &problem::unseen(graph, query)) else {
        let searches = [
            "projection",
            "adjustment_sets",
            "instruments",
            "testable_implications",
        ];
        searches
            .iter()
            .for_each(|search| note(&mut answer, search, false));
        return Ok(answer);
    };
    let problem = Problem::new(&projected, query);
    // Lists that inform but do not decide get shares, so that the decision always has budget of its own; a brief answer
    // has those only that its strategy may decide by.
    let wanted = |by: Strategy| !query.brief || query.strategy == Strategy::Auto || query.strategy == by;
    let mut sets = Listing {
        found: Vec::new(),
        complete: true,
    };
    if wanted(Strategy::Backdoor) {
        sets = budget.share(4, |part| {
            AdjustmentSearch::of(&problem).list(problem.graph, query.sets_max, part)
        });
    }
    report_cheapest(&problem, query, budget, &mut answer);
    answer.selected = projected.names(&problem.selected);
    let decided = decide(&problem, query, &sets, budget, &mut answer);
    if wanted(Strategy::Backdoor) {
        report_adjustment(query, &problem, &sets, budget, &mut answer);
    }
    if wanted(Strategy::Iv) && !(query.brief && answer.identifiable == Some(true)) {
        let instruments = budget.share(2, |part| instruments(&problem, part));
        report_instruments(&problem, query, decided, instruments, &mut answer);
    }
    offer_bounds(&problem, &mut answer);
    if !query.brief {
        report_implications(&problem, query, budget, &mut answer);
    }
    Ok(answer)
}

fn report_implications(problem: &Problem, query: &Query, budget: &mut Budget, answer: &mut Identification) {
    let (graph, observed, selected) = (problem.graph, &problem.observed, &problem.selected);
    let implied = implications::list(graph, observed, selected, query.sets_max, budget);
    note(answer, "testable_implications", implied.complete);
    answer.testable_implications = implied
        .found
        .iter()
        .map(|independence| independence.named(graph))
        .collect();
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
        cheapest_adjustment_set: None,
        optimal_adjustment_set: None,
        optimal_adjustment_set_reason: None,
        mediators: Vec::new(),
        front_door_sets: Vec::new(),
        instruments: Vec::new(),
        instrument_sets: Vec::new(),
        estimand: None,
        latex: None,
        words: None,
        selected: Vec::new(),
        witness: None,
        bounds: Vec::new(),
        factors: Vec::new(),
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
    if !problem.selected.is_empty() {
        return decide_selected(problem, query, sets, budget, answer);
    }
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
        return identified(problem, query, by, &Expr::p(&problem.y, &NodeSet::new()), answer);
    }
    if tries(Strategy::Backdoor) {
        if let Some(set) = sets.found.first() {
            return identified(
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
            return identified(
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
    match general(problem, budget) {
        Ok(estimand) => identified(problem, query, Strategy::Id, &estimand, answer),
        Err(Failure::Spent(parts)) => {
            note(answer, "estimand", false);
            answer.factors = named_factors(problem, &parts);
            false
        }
        Err(Failure::Hedge { hedge, x, y }) => refused(answer, hedge.witness(problem.graph, &x, &y)),
    }
}

/// ID, or IDC where the query has conditions.
fn general(problem: &Problem, budget: &mut Budget) -> Result<Expr, Failure> {
    if problem.given.is_empty() {
        complete::id(problem.graph, &problem.x, &problem.y, budget)
    } else {
        complete::idc(problem.graph, &problem.x, &problem.y, &problem.given, budget)
    }
}

/// From a selected sample: yes by adjustment; no where the outcome tells of the selection under the intervention, or
/// where not even the whole population's distribution would do; otherwise unknown.
fn decide_selected(
    problem: &Problem,
    query: &Query,
    sets: &Listing<NodeSet>,
    budget: &mut Budget,
    answer: &mut Identification,
) -> bool {
    let asked = matches!(query.strategy, Strategy::Auto | Strategy::Backdoor);
    if let Some(set) = sets.found.first().filter(|_| asked) {
        return identified(
            problem,
            query,
            Strategy::Backdoor,
            &backdoor::estimand(problem, set),
            answer,
        );
    }
    if let Some(path) = selection::barrier(
        problem.graph,
        &problem.x,
        &problem.y,
        &problem.given,
        &problem.selected,
    ) {
        return refused(answer, Witness::OpenPath { path });
    }
    if let Err(Failure::Hedge { hedge, x, y }) = general(problem, budget) {
        return refused(answer, hedge.witness(problem.graph, &x, &y));
    }
    if query.strategy == Strategy::Backdoor && sets.complete {
        let reason = "no set of allowed nodes adjusts for confounding and selection at once".to_owned();
        return refused(answer, Witness::Strategy { reason });
    }
    // Formulas other than adjustment are not looked for in selected samples.
    answer.unfinished.push("selection".to_owned());
    false
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

fn identified(
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
    if let Some(node) = AdjustmentSearch::of(problem).barred(graph).smallest() {
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

fn report_cheapest(problem: &Problem, query: &Query, budget: &mut Budget, answer: &mut Identification) {
    if query.costs.is_empty() {
        return;
    }
    let cost = |v| query.costs.get(&problem.graph.node(v).name).copied().unwrap_or(1);
    let cheapest = budget.share(4, |part| {
        AdjustmentSearch::of(problem).cheapest(problem.graph, cost, part)
    });
    note(answer, "cheapest_adjustment_set", cheapest.is_ok());
    answer.cheapest_adjustment_set = cheapest.ok().flatten().map(|set| problem.graph.names(&set));
}

fn report_adjustment(
    query: &Query,
    problem: &Problem,
    sets: &Listing<NodeSet>,
    budget: &mut Budget,
    answer: &mut Identification,
) {
    note(answer, "adjustment_sets", sets.complete);
    answer.adjustment_sets = sets.found.iter().map(|set| problem.graph.names(set)).collect();
    let undefined = match (query.given.is_empty(), problem.selected.is_empty()) {
        (false, _) => Some("defined for the effect in the whole population only"),
        (_, false) => Some("not known for selected samples"),
        _ => None,
    };
    if let Some(reason) = undefined {
        answer.optimal_adjustment_set_reason = Some(reason.to_owned());
        return;
    }
    let (graph, required) = (problem.graph, &problem.required);
    let search = |part: &mut Budget| {
        optimal::optimal_set(graph, &problem.x, &problem.y, required, &problem.allowed, part)
    };
    match budget.share(4, search) {
        Ok(best) => {
            answer.optimal_adjustment_set = Some(graph.names(&best));
            // The formula of choice, unless latent causes made it hold colliders: then the smallest is easier to follow.
            let plain = best.iter().all(|v| graph.view().siblings(v).next().is_none());
            if answer.strategy == Some(Strategy::Backdoor) && plain {
                let estimand = backdoor::estimand(problem, &best);
                identified(problem, query, Strategy::Backdoor, &estimand, answer);
            }
        }
        Err(reason) => answer.optimal_adjustment_set_reason = Some(reason),
    }
}

/// Where the effect of one node on one other is not identified, what still holds of it on discrete data.
fn offer_bounds(problem: &Problem, answer: &mut Identification) {
    let one = problem.x.len() == 1
        && problem.y.len() == 1
        && problem.given.is_empty()
        && problem.selected.is_empty();
    if answer.identifiable != Some(false) || !one {
        return;
    }
    let name = |set: &NodeSet| symbol(problem.graph.names(set).first().map_or("", String::as_str));
    let (x, y) = (name(&problem.x), name(&problem.y));
    let effect = format!(r"P({y} \mid \mathrm{{do}}({x}))");
    answer.bounds.push(BoundsOffer {
        method: "manski".to_owned(),
        instrument: None,
        assumptions: Vec::new(),
        latex: format!(r"P({x}, {y}) \le {effect} \le P({x}, {y}) + 1 - P({x})"),
    });
    let ends = problem.graph.names(&problem.x.union(&problem.y));
    let plain = answer.instrument_sets.iter().filter(|set| set.given.is_empty());
    let offers = plain.map(|set| {
        let z = symbol(&set.instrument);
        BoundsOffer {
            method: "balke_pearl".to_owned(),
            instrument: Some(set.instrument.clone()),
            assumptions: vec![format!("{} and {} are binary", set.instrument, ends.join(", "))],
            latex: format!(r"\max_{{{z}}} P({x}, {y} \mid {z}) \le {effect} \le 1 - \max_{{{z}}} P({x}, \bar{{{y}}} \mid {z})"),
        }
    });
    let offers: Vec<BoundsOffer> = offers.collect();
    answer.bounds.extend(offers);
}

/// What instruments give is a statement of the whole population, which a selected sample does not show.
fn instruments(problem: &Problem, budget: &mut Budget) -> Listing<Instrument> {
    if problem.selected.is_empty() {
        return instrument::list(problem, budget);
    }
    Listing {
        found: Vec::new(),
        complete: true,
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
