//! The complete identification algorithms: ID (Tian & Pearl 2002; Shpitser & Pearl 2006) in its district form and IDC
//! (Shpitser & Pearl 2006, conditional effects). When they fail, the hedge that proves the effect is not identifiable.

use super::kernel::{Kernel, stray};
use crate::graph::{Graph, NodeSet, View};
use crate::identify::budget::{Budget, Spent};
use crate::identify::expression::{Expr, bind, query_text};
use crate::identify::problem::Problem;
use crate::identify::{DistrictFactor, Witness};

/// Two C-forests with the same roots: `forest` meets the treatment, `inner` within it does not, and the roots are
/// ancestors of the outcome when the treatment is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hedge {
    forest: NodeSet,
    inner: NodeSet,
    roots: NodeSet,
}

impl Hedge {
    /// The witness that no formula gives P(y | do(x)).
    pub(crate) fn witness(&self, graph: &Graph, x: &NodeSet, y: &NodeSet) -> Witness {
        Witness::Hedge {
            forest: graph.names(&self.forest),
            inner: graph.names(&self.inner),
            roots: graph.names(&self.roots),
            query: query_text(&graph.names(x), &graph.names(y), &[]),
        }
    }
}

/// Why there is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The effect is not identifiable; for a conditional effect, the joint query P(y | do(x)) that is not.
    Hedge { hedge: Hedge, x: NodeSet, y: NodeSet },
    /// Unknown: the budget is spent. The districts whose c-factors were identified before that.
    Spent(Vec<(NodeSet, Expr)>),
}

impl From<Spent> for Failure {
    fn from(_: Spent) -> Self {
        Self::Spent(Vec::new())
    }
}

/// The parts of a formula that were identified, with names.
pub(crate) fn named_factors(problem: &Problem, parts: &[(NodeSet, Expr)]) -> Vec<DistrictFactor> {
    let asked = problem.x.union(&problem.y).union(&problem.given);
    let named = |(district, q): &(NodeSet, Expr)| {
        let estimand = q.named(problem.graph, &asked);
        DistrictFactor {
            district: problem.graph.names(district),
            latex: estimand.latex(),
            estimand,
        }
    };
    parts.iter().map(named).collect()
}

/// P(y | do(x)) on a graph without latent nodes, free in `y` and in those of `x` that matter.
pub(crate) fn id(graph: &Graph, x: &NodeSet, y: &NodeSet, budget: &mut Budget) -> Result<Expr, Failure> {
    let parts = factors(graph, x, y, budget)?;
    let remaining = parts
        .iter()
        .fold(NodeSet::new(), |all, (district, _)| all.union(district));
    let product = Expr::product(parts.into_iter().map(|(_, q)| q).collect());
    Ok(bind(&remaining.difference(y), product))
}

/// The districts of what `x` leaves of the ancestors of `y`, each with its c-factor.
pub(super) fn factors(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    budget: &mut Budget,
) -> Result<Vec<(NodeSet, Expr)>, Failure> {
    let pass = graph.len() + graph.edge_count();
    budget.spend(4 * pass)?;
    let relevant = graph.view().ancestors(y);
    let view = graph.view().within(&relevant);
    let order = view.topological_order();
    let remaining = view.clone().without(x).ancestors(y);
    let districts = view.districts();
    let mut factors = Vec::new();
    for inner in view.clone().within(&remaining).districts() {
        let around = districts
            .iter()
            .find(|district| inner.is_subset(district))
            .unwrap_or(&inner);
        let narrowed = match budget.spend(around.len() * pass) {
            Ok(()) => narrow(
                &view,
                &inner,
                Kernel::of_district(&view, &order, around),
                pass,
                budget,
            ),
            Err(Spent) => Err(None),
        };
        match narrowed {
            Ok(q) => factors.push((inner.clone(), closed(&view, &inner, q))),
            Err(None) => return Err(Failure::Spent(factors)),
            Err(Some(hedge)) => {
                let (x, y) = (x.clone(), y.clone());
                return Err(Failure::Hedge { hedge, x, y });
            }
        }
    }
    Ok(factors)
}

/// Tian's Identify: Q[inner] from Q[kernel.nodes], or the hedge in the way; `None` when the budget is spent.
fn narrow(
    view: &View,
    inner: &NodeSet,
    kernel: Kernel,
    pass: usize,
    budget: &mut Budget,
) -> Result<Expr, Option<Hedge>> {
    budget
        .spend((1 + kernel.nodes.len()) * pass)
        .map_err(|Spent| None)?;
    let around = view.clone().within(&kernel.nodes);
    let ancestral = around.ancestors(inner);
    if ancestral == *inner {
        return Ok(kernel.marginal(inner));
    }
    if ancestral == kernel.nodes {
        let within = view.clone().within(inner);
        let roots = inner
            .iter()
            .filter(|&v| within.children(v).next().is_none())
            .collect();
        return Err(Some(Hedge {
            forest: kernel.nodes,
            inner: inner.clone(),
            roots,
        }));
    }
    let district = inner
        .smallest()
        .map(|v| view.clone().within(&ancestral).district(v))
        .unwrap_or_default();
    // Two marginals a node. Their size can grow without bound, so it is paid for before they are made.
    budget
        .spend(2 * district.len() * kernel.marginal_cost())
        .map_err(|Spent| None)?;
    narrow(view, inner, kernel.narrowed(&ancestral, &district), pass, budget)
}

/// Q[inner] is a function of `inner` and its parents alone. Where the expression still names another node, its value
/// does not depend on it, so it is averaged over that node's distribution: no arbitrary value is left to choose.
fn closed(view: &View, inner: &NodeSet, q: Expr) -> Expr {
    let stray = stray(view, inner, &q);
    if stray.is_empty() {
        return q;
    }
    let weight = Expr::p(&stray, &NodeSet::new());
    bind(&stray, Expr::product(vec![weight, q]))
}

/// P(y | do(x), z): conditions that behave as interventions become such (rule 2), then a ratio of joint effects.
pub(crate) fn idc(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    z: &NodeSet,
    budget: &mut Budget,
) -> Result<Expr, Failure> {
    let pass = graph.len() + graph.edge_count();
    let (mut set, mut seen) = (x.clone(), z.clone());
    'exchange: loop {
        for v in seen.clone().iter() {
            budget.spend(pass)?;
            let one = NodeSet::one(v);
            let rest = seen.difference(&one);
            let view = graph.view().without_into(&set).without_out_of(&one);
            if view.m_separated(y, &one, &set.union(&rest)) {
                set = set.union(&one);
                seen = rest;
                continue 'exchange;
            }
        }
        break;
    }
    let joint = id(graph, &set, &y.union(&seen), budget)?;
    if seen.is_empty() {
        return Ok(joint);
    }
    let marginal = bind(y, joint.clone());
    Ok(Expr::ratio(joint, marginal))
}
