//! The asymptotically optimal adjustment set O (Henckel, Perković & Maathuis 2022; Rotnitzky & Smucler 2020): of all
//! adjustment sets the one with the smallest asymptotic variance. Answers only where O is made of usable nodes of the
//! graph with its latents drawn; otherwise a best set need not exist, and the reason is given.

use super::adjustment::{is_adjustment_set, proper_causal_nodes};
use crate::graph::{Graph, NodeSet};

/// O of the graph as drawn, latent nodes and all, in names; or why there is none to name.
///
/// O = pa(cn) without the descendants of cn and x, where cn are the nodes on proper causal paths. With a latent in it,
/// or a bidirected edge at cn, which set is best may depend on the model.
pub(super) fn optimal_set(
    graph: &Graph,
    x: &NodeSet,
    y: &NodeSet,
    usable: &NodeSet,
) -> Result<NodeSet, String> {
    let causal = proper_causal_nodes(graph, x, y);
    if causal.is_empty() {
        return Err(
            "the treatment has no directed path to the outcome, so there is nothing to estimate".to_owned(),
        );
    }
    let view = graph.view();
    if let Some((v, w)) = causal
        .iter()
        .find_map(|v| view.siblings(v).next().map(|w| (v, w)))
    {
        let (v, w) = (&graph.node(v).name, &graph.node(w).name);
        return Err(format!(
            "a latent common cause of {v} and {w}: which set is best depends on the model"
        ));
    }
    let best = view
        .parents_of(&causal)
        .difference(&view.descendants(&causal))
        .difference(x);
    if let Some(v) = best.iter().find(|&v| graph.node(v).latent) {
        let name = &graph.node(v).name;
        return Err(format!(
            "latent {name} is a cause on the way to the outcome: which set is best depends on the model"
        ));
    }
    if let Some(v) = best.difference(usable).smallest() {
        return Err(format!(
            "the best set holds {}, which may not be used",
            graph.node(v).name
        ));
    }
    if is_adjustment_set(graph, x, y, &best) {
        Ok(best)
    } else {
        Err("there is no adjustment set".to_owned())
    }
}
