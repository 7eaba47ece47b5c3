//! Effects in the whole population from a selected sample: adjustment under confounding and selection at once (Correa &
//! Bareinboim 2017, generalised adjustment criterion of type 1). Sound and complete for adjustment by the selected
//! sample alone; other formulas under selection are not looked for.

use super::adjustment::{never_adjusted, proper_backdoor};
use crate::graph::{Graph, NodeSet, OpenPath};

/// What stands between the selected sample and the population, whatever is adjusted for: a path from the outcome to
/// the selection that is open under the intervention. With one, no formula in the selected data gives the effect.
pub(crate) fn barrier(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    given: &NodeSet,
    selected: &NodeSet,
) -> Option<OpenPath> {
    let under_do = graph.view().without_into(x);
    under_do.open_path(y, selected, &x.union(given))
}

/// Whether every treatment that leads to the selection has nothing to do with the outcome but by what it causes. For a
/// conditional effect no treatment may lead to the selection, for then the sample's conditions would move with it.
pub(crate) fn treatments_allow(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    given: &NodeSet,
    selected: &NodeSet,
) -> bool {
    let view = graph.view();
    let above = view.ancestors(selected);
    let leading: NodeSet = x.intersection(&above);
    if !given.is_empty() {
        return leading.is_empty();
    }
    leading.iter().all(|v| {
        let one = NodeSet::one(v);
        view.clone()
            .without_out_of(x)
            .m_separated(&one, y, &NodeSet::new())
    })
}

/// Whether P(y | do(x)) = sum_z P(y | x, z, s) P(z | s) in every model of the graph, where the data are a sample in
/// which the nodes `selected` were conditioned on.
#[must_use]
pub fn is_selected_adjustment_set(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    z: &NodeSet,
    selected: &NodeSet,
) -> bool {
    let none = NodeSet::new();
    let below = never_adjusted(graph, x, y);
    z.is_disjoint(&below.union(selected))
        && proper_backdoor(graph, x, y).m_separated(x, y, &z.union(selected))
        && barrier(graph, x, y, &none, selected).is_none()
        && treatments_allow(graph, x, y, &none, selected)
}
