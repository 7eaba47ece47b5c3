//! Conditional instruments: nodes that move the treatment and reach the outcome only through it, given a set. The sets
//! are ancestral, made of ancestors of the instrument and the outcome: minimal separators, or the separator nearest to
//! the outcome, given which an instrument is relevant if it is given any such set (van der Zander, Textor & Liśkiewicz
//! 2015).

use super::separators::{Listing, Separation, by_size};
use crate::graph::{Graph, NodeId, NodeSet};
use crate::identify::budget::{Budget, Spent};
use crate::identify::problem::Problem;

/// An instrument and what must be conditioned on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instrument {
    pub(crate) node: NodeId,
    pub(crate) given: NodeSet,
}

/// How many separators are tried for each candidate.
const SEPARATORS_MAX: usize = 16;

/// The instruments of one treatment for one outcome, each with a smallest set found.
pub(crate) fn list(problem: &Problem, budget: &mut Budget) -> Listing<Instrument> {
    let mut found = Vec::new();
    if problem.x.len() != 1 || problem.y.len() != 1 {
        return Listing {
            found,
            complete: true,
        };
    }
    let complete = search(problem, budget, &mut found).is_ok();
    found.sort_by_key(|i| (i.given.len(), i.node));
    Listing { found, complete }
}

fn search(problem: &Problem, budget: &mut Budget, found: &mut Vec<Instrument>) -> Result<(), Spent> {
    let view = problem.graph.view();
    let usable = problem.allowed.difference(&view.descendants(&problem.x));
    if !problem.given.is_disjoint(&view.descendants(&problem.x)) {
        return Ok(());
    }
    for node in usable.iter() {
        let one = NodeSet::one(node);
        let allowed = usable.difference(&one);
        let separation = Separation {
            view: view.clone().without_out_of(&problem.x),
            x: &one,
            y: &problem.y,
            include: &problem.given,
            allowed: &allowed,
        };
        budget.spend(problem.pass())?;
        let mut separators = separation.list(SEPARATORS_MAX, budget).found;
        by_size(&mut separators);
        separators.extend(separation.nearest(budget)?);
        for given in separators.into_iter().map(|s| s.union(&problem.given)) {
            budget.spend(problem.pass())?;
            if !view.m_separated(&one, &problem.x, &given) {
                found.push(Instrument { node, given });
                break;
            }
        }
    }
    Ok(())
}

/// Whether, given `others`, `node` tells of `x` but of `y` only through `x`: as a regressor it adds nothing to the
/// effect and takes away variation of the treatment.
pub(crate) fn only_moves(graph: &Graph, node: NodeId, x: &NodeSet, y: &NodeSet, others: &NodeSet) -> bool {
    let one = NodeSet::one(node);
    graph.view().without_out_of(x).m_separated(&one, y, others) && !graph.view().m_separated(&one, x, others)
}
