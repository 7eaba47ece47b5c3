//! Front-door sets (Pearl 1995), also conditional ones: mediators m that catch all of the effect, and pre-treatment
//! nodes w given which x - m and m - y are unconfounded. Complete over subsets, so its cost is bounded by the budget.

use super::adjustment::proper_causal_nodes;
use super::separators::{Listing, Separation};
use crate::graph::NodeSet;
use crate::identify::budget::{Budget, Spent};
use crate::identify::expression::{Expr, bind};
use crate::identify::problem::Problem;

/// One front door: through `mediators`, given `given`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontDoor {
    pub(crate) mediators: NodeSet,
    pub(crate) given: NodeSet,
}

/// The front doors of which no part is one, smallest first; at most `limit`.
pub(crate) fn list(problem: &Problem, limit: usize, budget: &mut Budget) -> Listing<FrontDoor> {
    let mut found = Vec::new();
    let complete = search(problem, limit, budget, &mut found).is_ok();
    found.sort_by_key(|f: &FrontDoor| {
        let nodes = |set: &NodeSet| set.iter().collect::<Vec<_>>();
        (
            f.mediators.len() + f.given.len(),
            nodes(&f.mediators),
            nodes(&f.given),
        )
    });
    Listing { found, complete }
}

/// Whether `mediators` given `given` is a front door:
/// 1. every proper causal path from x to y passes a mediator;
/// 2. `given` blocks all back-door paths from x to the mediators;
/// 3. x and `given` block all back-door paths from the mediators to y.
///
/// `given` holds no descendant of x. The formula follows by rules 2, 2, 3 and 2 of do-calculus, each given `given`.
fn is_front_door(problem: &Problem, mediators: &NodeSet, given: &NodeSet) -> bool {
    let (view, x, y) = (problem.graph.view(), &problem.x, &problem.y);
    view.clone().without_out_of(x).m_separated(x, mediators, given)
        && view
            .without_out_of(mediators)
            .m_separated(mediators, y, &x.union(given))
}

/// Condition 1.
fn intercepts(problem: &Problem, mediators: &NodeSet) -> bool {
    let open = problem.graph.view().without_into(&problem.x).without(mediators);
    open.descendants(&problem.x).is_disjoint(&problem.y)
}

fn search(
    problem: &Problem,
    limit: usize,
    budget: &mut Budget,
    found: &mut Vec<FrontDoor>,
) -> Result<(), Spent> {
    let view = problem.graph.view();
    let (x, y) = (&problem.x, &problem.y);
    let below = view.descendants(x);
    if !problem.given.is_disjoint(&below) {
        return Ok(());
    }
    let pass = problem.pass();
    let before = problem.allowed.difference(&below);
    let mut candidates = NodeSet::new();
    for m in proper_causal_nodes(problem.graph, x, y)
        .difference(y)
        .intersection(&problem.observed)
        .iter()
    {
        let ways = Separation {
            view: view.clone().without_out_of(x),
            x,
            y: &NodeSet::one(m),
            include: &problem.given,
            allowed: &before,
        };
        // A mediator that leads back into another treatment would be its own cause in the formula.
        if !problem.given.contains(m)
            && view.descendants(&NodeSet::one(m)).is_disjoint(x)
            && ways.any(budget)?.is_some()
        {
            candidates.insert(m);
        }
    }
    if !intercepts(problem, &candidates) {
        return Ok(());
    }
    for mediators in subsets(&candidates) {
        budget.spend(pass)?;
        if !intercepts(problem, &mediators) || found.iter().any(|f| f.mediators.is_subset(&mediators)) {
            continue;
        }
        let back = x.union(&problem.given);
        let closed = Separation {
            view: view.clone().without_out_of(&mediators),
            x: &mediators,
            y,
            include: &back,
            allowed: &before,
        };
        if closed.any(budget)?.is_none() {
            continue;
        }
        conditioned(problem, &mediators, &before, limit, budget, found)?;
        if found.len() >= limit {
            return Err(Spent);
        }
    }
    Ok(())
}

/// The minimal `given` for one set of mediators.
fn conditioned(
    problem: &Problem,
    mediators: &NodeSet,
    before: &NodeSet,
    limit: usize,
    budget: &mut Budget,
    found: &mut Vec<FrontDoor>,
) -> Result<(), Spent> {
    let ends = problem.x.union(&problem.y).union(mediators).union(&problem.given);
    let useful = problem
        .graph
        .view()
        .ancestors(&ends)
        .intersection(before)
        .difference(&ends);
    let first = found.len();
    for extra in subsets(&useful) {
        budget.spend(2 * problem.pass())?;
        let given = extra.union(&problem.given);
        let wider = found[first..].iter().any(|f| f.given.is_subset(&given));
        if !wider && is_front_door(problem, mediators, &given) {
            found.push(FrontDoor {
                mediators: mediators.clone(),
                given,
            });
            if found.len() >= limit {
                return Err(Spent);
            }
        }
    }
    Ok(())
}

/// All subsets, small ones first.
fn subsets(of: &NodeSet) -> impl Iterator<Item = NodeSet> {
    let items: Vec<_> = of.iter().collect();
    (0..=items.len()).flat_map(move |size| {
        let items = items.clone();
        let mut chosen: Option<Vec<usize>> = Some((0..size).collect());
        std::iter::from_fn(move || {
            let now = chosen.take()?;
            let set = now.iter().map(|&i| items[i]).collect();
            chosen = next_choice(now, items.len());
            Some(set)
        })
    })
}

/// The next choice of as many positions out of `n`, in lexicographic order.
fn next_choice(mut chosen: Vec<usize>, n: usize) -> Option<Vec<usize>> {
    let size = chosen.len();
    let at = (0..size).rev().find(|&i| chosen[i] < n - size + i)?;
    chosen[at] += 1;
    for i in at + 1..size {
        chosen[i] = chosen[i - 1] + 1;
    }
    Some(chosen)
}

/// sum_w P(w | z) sum_m P(m | x, w, z) sum_x' P(x' | w, z) P(y | x', m, w, z), where z is the query's own condition.
pub(crate) fn estimand(problem: &Problem, door: &FrontDoor) -> Expr {
    let (x, y, z, m, w) = (
        &problem.x,
        &problem.y,
        &problem.given,
        &door.mediators,
        &door.given,
    );
    let inner = Expr::product(vec![Expr::p(x, w), Expr::p(y, &x.union(m).union(w))]);
    let through = Expr::product(vec![Expr::p(m, &x.union(w)), bind(x, inner)]);
    let extra = w.difference(z);
    bind(&extra, Expr::product(vec![Expr::p(&extra, z), bind(m, through)]))
}
