//! Names that must meet: nodes and what measures them, events and columns that may not be used twice.

use std::collections::BTreeMap;

use crate::problem::fault::{Faults, did_you_mean};
use crate::problem::{
    NodeRole, Outcome, OutcomeSource, Problem, Source, Treatment, TreatmentSource, ViewSource,
};

pub(super) fn check(problem: &Problem, faults: &mut Faults) {
    name(problem, faults);
    for treatment in &problem.treatments {
        let path = format!("treatments.{}.node", treatment.name);
        node_of(problem, &treatment.node, NodeRole::Treatment, &path, faults);
    }
    for outcome in &problem.outcomes {
        let path = format!("outcomes.{}.node", outcome.name);
        node_of(problem, &outcome.node, NodeRole::Outcome, &path, faults);
    }
    shared_nodes(problem, faults);
    measurement(problem, faults);
    basis(problem, faults);
    if matches!(problem.source, Source::Table { .. }) {
        columns(problem, faults);
    } else {
        treatment_events(&problem.treatments, faults);
    }
}

fn name(problem: &Problem, faults: &mut Faults) {
    let name = &problem.name;
    let legal = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if !legal {
        let fix = "use up to 64 lower-case letters, digits, `_` and `-`, beginning with a letter: it becomes part of model versions";
        faults.check("problem", "cannot be the name of a problem", fix);
    }
}

fn role_word(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Treatment => "treatment",
        NodeRole::Outcome => "outcome",
        NodeRole::Confounder => "confounder",
        NodeRole::EffectModifier => "effect_modifier",
        NodeRole::Instrument => "instrument",
        NodeRole::Mediator => "mediator",
        NodeRole::Latent => "latent",
    }
}

/// A treatment's or outcome's node must exist with that role.
fn node_of(problem: &Problem, node: &str, role: NodeRole, path: &str, faults: &mut Faults) {
    match problem.graph.nodes.iter().find(|n| n.name == node) {
        None => {
            let of_role = problem
                .graph
                .nodes
                .iter()
                .filter(|n| n.role == role)
                .map(|n| n.name.as_str());
            faults.check(
                path,
                format!("`{node}` is no node of the graph"),
                did_you_mean(node, of_role),
            );
        }
        Some(found) if found.role != role && faults.was_read(&format!("graph.nodes.{node}.role")) => {
            let (found, role) = (role_word(found.role), role_word(role));
            let fix = format!("name a node of role `{role}`, or give `{node}` that role");
            faults.check(
                path,
                format!("`{node}` has the role `{found}` in the graph, not `{role}`"),
                fix,
            );
        }
        Some(_) => {}
    }
}

/// Two treatments on one node, or two outcomes on one node, could not be told apart by identification.
fn shared_nodes(problem: &Problem, faults: &mut Faults) {
    let treatments = problem
        .treatments
        .iter()
        .map(|t| (&t.node, format!("treatments.{}.node", t.name)));
    let outcomes = problem
        .outcomes
        .iter()
        .map(|o| (&o.node, format!("outcomes.{}.node", o.name)));
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    for (node, path) in treatments.chain(outcomes) {
        if let Some(before) = first.get(node.as_str()) {
            let fix = "give each treatment and outcome a node of its own";
            faults.check(
                &path,
                format!(
                    "`{node}` is the node of `{}` already",
                    before.trim_end_matches(".node")
                ),
                fix,
            );
        } else {
            first.insert(node, path);
        }
    }
}

/// Every view measures one node, every node but a latent one is measured.
fn measurement(problem: &Problem, faults: &mut Faults) {
    let mut measures: BTreeMap<&str, &str> = BTreeMap::new();
    for node in &problem.graph.nodes {
        let path = format!("graph.nodes.{}", node.name);
        let list = format!("{path}.measured_by");
        if !faults.was_read(&format!("{path}.role")) {
            continue;
        }
        let by_views = !matches!(node.role, NodeRole::Treatment | NodeRole::Outcome);
        if node.role == NodeRole::Latent && !node.measured_by.is_empty() {
            faults.check(
                &list,
                "a latent node is measured by nothing",
                "leave it out, or give the node another role",
            );
            continue;
        }
        if node.measured_by.is_empty() && node.role != NodeRole::Latent {
            let fix = match node.role {
                NodeRole::Treatment => format!(
                    "add a treatment with `node: {}`, or give the node another role",
                    node.name
                ),
                NodeRole::Outcome => format!(
                    "add an outcome with `node: {}`, or give the node another role",
                    node.name
                ),
                _ => "add `measured_by: [a_view]`, or `role: latent` where nothing measures it".to_owned(),
            };
            faults.check(&list, "nothing measures this node", fix);
        }
        for (i, view) in node.measured_by.iter().enumerate().filter(|_| by_views) {
            let path = format!("{list}[{i}]");
            if problem.view(view).is_none() {
                let views = problem.features.iter().map(|v| v.name.as_str());
                faults.check(
                    &path,
                    format!("`{view}` is no view under `features`"),
                    did_you_mean(view, views),
                );
            } else if let Some(other) = measures.insert(view, &node.name) {
                let fix = "let each view measure one node";
                faults.check(&path, format!("`{view}` measures `{other}` already"), fix);
            }
        }
    }
    for view in problem
        .features
        .iter()
        .filter(|v| !measures.contains_key(v.name.as_str()))
    {
        let named_by_latent = problem
            .graph
            .nodes
            .iter()
            .any(|n| n.measured_by.contains(&view.name));
        if !named_by_latent {
            let fix = "name it in the `measured_by` of the node it measures, or leave the view out";
            faults.check(
                &format!("features.{}", view.name),
                "this view measures no node of the graph",
                fix,
            );
        }
    }
}

/// Effects may vary only with what is known before the decision and moves more than the treatment.
fn basis(problem: &Problem, faults: &mut Faults) {
    for (i, name) in problem.effect_basis.iter().enumerate() {
        let path = format!("effect_basis[{i}]");
        if problem.effect_basis[..i].contains(name) {
            faults.check(
                &path,
                format!("`{name}` was given already"),
                "leave one of the two out",
            );
        }
        match problem.view(name).map(|v| v.role) {
            None => {
                let views = problem
                    .features
                    .iter()
                    .filter(|v| matches!(v.role, NodeRole::Confounder | NodeRole::EffectModifier));
                faults.check(
                    &path,
                    format!("`{name}` is no view"),
                    did_you_mean(name, views.map(|v| v.name.as_str())),
                );
            }
            Some(NodeRole::Mediator) => {
                let fix = "name views of confounders and effect modifiers only";
                faults.check(
                    &path,
                    format!("`{name}` is a mediator, measured after the decision"),
                    fix,
                );
            }
            Some(NodeRole::Instrument) => {
                let fix = "name views of confounders and effect modifiers only";
                faults.check(
                    &path,
                    format!("`{name}` is an instrument, which moves the treatment and not its effect"),
                    fix,
                );
            }
            Some(_) => {}
        }
    }
}

/// In a table a column is one thing: the unit, a view, a treatment or an outcome.
fn columns(problem: &Problem, faults: &mut Faults) {
    let mut taken: BTreeMap<&str, String> = BTreeMap::new();
    if let Source::Table { unit: Some(unit) } = &problem.source {
        taken.insert(unit, "the unit".to_owned());
    }
    let outcome = |o: &'_ Outcome| match &o.from {
        OutcomeSource::Column { column } => Some(column.clone()),
        OutcomeSource::Events { .. } => None,
    };
    for item in &problem.outcomes {
        if let OutcomeSource::Column { column } = &item.from {
            let path = format!("outcomes.{}.column", item.name);
            take(
                &mut taken,
                column,
                format!("the outcome `{}`", item.name),
                &path,
                faults,
            );
        }
    }
    for treatment in &problem.treatments {
        if let TreatmentSource::Column { column, .. } = &treatment.from {
            let path = format!("treatments.{}.column", treatment.name);
            take(
                &mut taken,
                column,
                format!("the treatment `{}`", treatment.name),
                &path,
                faults,
            );
        }
    }
    for view in &problem.features {
        let ViewSource::Column { column } = &view.from else {
            continue;
        };
        let path = format!("features.{}.column", view.name);
        if problem
            .outcomes
            .iter()
            .any(|o| outcome(o).as_ref() == Some(column))
            && view.role != NodeRole::Mediator
        {
            let fix = "leave the view out: an outcome is never a covariate";
            faults.check(&path, format!("the column `{column}` is an outcome"), fix);
        } else {
            take(
                &mut taken,
                column,
                format!("the view `{}`", view.name),
                &path,
                faults,
            );
        }
    }
}

fn take<'a>(
    taken: &mut BTreeMap<&'a str, String>,
    column: &'a str,
    who: String,
    path: &str,
    faults: &mut Faults,
) {
    match taken.get(column) {
        Some(other) => {
            let fix = "let each column be one thing";
            faults.check(
                path,
                format!("the column `{column}` is that of {other} already"),
                fix,
            );
        }
        None => {
            taken.insert(column, who);
        }
    }
}

/// One event cannot be two treatments.
fn treatment_events(treatments: &[Treatment], faults: &mut Faults) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for treatment in treatments {
        let TreatmentSource::Event { event, .. } = &treatment.from else {
            continue;
        };
        if let Some(other) = first.insert(event, &treatment.name) {
            let path = format!("treatments.{}.event", treatment.name);
            let fix = "give each treatment an event type of its own, or make them arms of one treatment";
            faults.check(&path, format!("`{event}` is the event of `{other}` already"), fix);
        }
    }
}
