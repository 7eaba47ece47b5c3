//! The adjustment formula. Which sets it holds for is decided in [`super::adjustment`].

use crate::graph::NodeSet;
use crate::identify::expression::{Expr, bind};
use crate::identify::problem::Problem;

/// sum_w P(y | x, w, z) P(w | z), where z is the query's own condition; P(y | x, z) when there is nothing to adjust for.
pub(crate) fn estimand(problem: &Problem, set: &NodeSet) -> Expr {
    let outcome = Expr::p(&problem.y, &problem.x.union(set).union(&problem.given));
    bind(set, Expr::product(vec![outcome, Expr::p(set, &problem.given)]))
}
