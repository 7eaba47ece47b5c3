//! What a readable problem must also satisfy: names that meet, numbers within their ranges, roles the graph agrees
//! with, a policy that can work.

mod graph;
mod objective;
mod policy;
mod reference;
mod view;

use super::fault::Faults;
use super::read::Reading;

/// Runs every check.
pub(super) fn all(reading: &Reading, faults: &mut Faults) {
    let problem = &reading.problem;
    reference::check(problem, faults);
    view::check(problem, faults);
    graph::check(&problem.graph, &reading.edges, faults);
    objective::check(problem, faults);
    policy::check(problem, faults);
}
