//! From marked YAML to the typed problem. What cannot be read is a fault and leaves a harmless value in its place, so
//! that the rest of the file is still read and checked; with any fault the problem is never handed out.

mod graph;
mod outcome;
mod policy;
mod source;
mod treatment;
mod view;

use super::fault::Faults;
use super::fields::Fields;
use super::node::Node;
use super::{GraphSpec, NodeRole, Problem, defaults};
pub(super) use graph::Edge;

/// A problem as far as it could be read, and where its edges stand.
pub(super) struct Reading {
    pub problem: Problem,
    pub edges: Vec<Edge>,
}

/// Reads the whole file; `None` where it is no mapping.
pub(super) fn problem(root: &Node, faults: &mut Faults) -> Option<Reading> {
    faults.mark("$", root.mark);
    let mut fields = Fields::of(root, "$", faults)?;
    let name = fields
        .text_needed("problem", "my_problem", faults)
        .unwrap_or_default();
    let description = fields.text("description", faults).unwrap_or_default();
    let entity = fields
        .text("entity", faults)
        .unwrap_or_else(|| defaults::ENTITY.to_owned());
    let source_node = fields.need("source", "table", faults);
    let source = source::read(source_node, fields.get("treatments"), faults);
    let (mut graph, edges) = match fields.need("graph", "{ nodes: {..}, edges: [..] }", faults) {
        Some(node) => graph::read(node, faults),
        None => (GraphSpec::default(), Vec::new()),
    };
    let features = view::read_all(fields.get("features"), &source, &graph, faults);
    let treatments = treatment::read_all(
        fields.need("treatments", "{ my_treatment: {..} }", faults),
        &source,
        faults,
    );
    let outcomes = outcome::read_all(
        fields.need("outcomes", "{ my_outcome: {..} }", faults),
        &source,
        faults,
    );
    let effect_basis = fields.need("effect_basis", "[a_view]  # or [] for one average effect", faults);
    let effect_basis = match effect_basis {
        Some(_) => fields.texts("effect_basis", faults).unwrap_or_default(),
        None => Vec::new(),
    };
    let arms = treatments.iter().map(|t| t.arms.len()).sum();
    let policy = policy::read(fields.get("policy"), arms, faults);
    let fallback = policy::fallback(fields.get("fallback"), faults);
    let gates = policy::gates(fields.get("gates"), faults);
    fields.finish(faults);
    for node in &mut graph.nodes {
        // A treatment on a node of another role is told as such; it measures nothing.
        let given = treatments
            .iter()
            .filter(|t| node.role == NodeRole::Treatment && t.node == node.name);
        let changed = outcomes
            .iter()
            .filter(|o| node.role == NodeRole::Outcome && o.node == node.name);
        node.measured_by.extend(
            given
                .map(|t| t.name.clone())
                .chain(changed.map(|o| o.name.clone())),
        );
    }
    let problem = Problem {
        name,
        description,
        entity,
        source,
        graph,
        features,
        treatments,
        outcomes,
        effect_basis: effect_basis.into_iter().map(|(name, _)| name).collect(),
        policy,
        fallback,
        gates,
    };
    Some(Reading { problem, edges })
}
