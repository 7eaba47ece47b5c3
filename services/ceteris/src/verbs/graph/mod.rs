//! `ceteris graph`: what a graph is, looks like, implies and proves.

mod args;
mod check;

use std::path::Path;

use anyhow::Context;
use ceteris_graph::identify::calculus::{DeriveError, derive};
use ceteris_graph::identify::{
    EstimandChange, Mediation, Query, Witness, direct_effect, estimands_changed, identify, mediate,
    queries_of_roles, verma_constraints,
};
use ceteris_graph::{Graph, NodeSet, PathBounds};
use ceteris_terminal::{Format, bad_input, print};
use serde_json::json;

pub(crate) use args::GraphVerb;
use args::{Asked, Form, Paths};

use crate::verbs::identify::read_graph;

/// Verma constraints listed at most, and the steps the search for them may take.
const VERMA_MAX: usize = 100;
const STEPS_MAX: u64 = 20_000_000;

pub(crate) fn run(format: Format, verb: GraphVerb) -> anyhow::Result<()> {
    match verb {
        GraphVerb::Show { graph } => show(format, &read_graph(&graph)?),
        GraphVerb::Draw { graph, form, out } => draw(format, &read_graph(&graph)?, form, out.as_deref()),
        GraphVerb::Diff { older, newer } => diff(format, &read_graph(&older)?, &read_graph(&newer)?),
        GraphVerb::Paths(args) => paths(format, &args),
        GraphVerb::Implications { graph } => implications(format, &read_graph(&graph)?),
        GraphVerb::Check(args) => check::run(format, &args),
        GraphVerb::Derive(asked) => derivation(format, &asked),
        GraphVerb::Mediate { asked, mediator } => mediation(format, &asked, &mediator),
        GraphVerb::Direct(asked) => direct(format, &asked),
    }
}

fn show(format: Format, graph: &Graph) -> anyhow::Result<()> {
    let latent = graph.all().difference(&graph.observed());
    let districts: Option<Vec<Vec<String>>> =
        graph
            .project_away_within(&latent, STEPS_MAX)
            .map(|(projected, _)| {
                let districts = projected.view().districts();
                districts
                    .iter()
                    .map(|district| projected.names(district))
                    .collect()
            });
    let edges: Vec<String> = graph.edges().iter().map(ToString::to_string).collect();
    let nodes: Vec<_> = graph.nodes().map(|(_, node)| node).collect();
    let document =
        json!({ "digest": graph.digest(), "nodes": nodes, "edges": edges, "districts": districts });
    print(format, &document, || {
        let mut lines = vec![format!(
            "{} nodes, {} edges, digest {}",
            graph.len(),
            graph.edge_count(),
            graph.digest().short()
        )];
        lines.extend(edges.iter().map(|edge| format!("  {edge}")));
        lines.push(match &districts {
            Some(districts) => {
                let joined: Vec<String> = districts
                    .iter()
                    .map(|d| format!("{{{}}}", d.join(", ")))
                    .collect();
                format!("districts of the observed: {}", joined.join(" "))
            }
            None => "districts of the observed: too many latent causes to tell".to_owned(),
        });
        lines.join("\n")
    })
}

fn draw(format: Format, graph: &Graph, form: Form, out: Option<&Path>) -> anyhow::Result<()> {
    let text = match form {
        Form::Svg => graph.to_svg(),
        Form::Mermaid => graph.to_mermaid(),
        Form::Dot => graph.to_dot(),
        Form::Dagitty => graph.to_dagitty(),
        Form::Json => serde_json::to_string_pretty(graph)?,
        Form::NodeLink => serde_json::to_string_pretty(&graph.to_node_link())?,
    };
    match out {
        None => print(format, &json!({ "digest": graph.digest(), "text": text }), || {
            text.clone()
        }),
        Some(path) => {
            std::fs::write(path, &text).with_context(|| format!("write {}", path.display()))?;
            let document = json!({ "digest": graph.digest(), "out": path });
            print(format, &document, || format!("wrote {}", path.display()))
        }
    }
}

fn diff(format: Format, older: &Graph, newer: &Graph) -> anyhow::Result<()> {
    let diff = older.diff(newer);
    let changed = estimands_changed(older, newer, &queries_of_roles(&[older, newer]));
    let mut document = serde_json::to_value(&diff)?;
    document["estimands_changed"] = serde_json::to_value(&changed)?;
    print(format, &document, || {
        if diff.is_empty() {
            return format!("equal: {}", diff.from.short());
        }
        let mut lines = vec![format!("{} -> {}", diff.from.short(), diff.to.short())];
        lines.extend(diff.nodes_removed.iter().map(|name| format!("- {name}")));
        lines.extend(diff.nodes_added.iter().map(|name| format!("+ {name}")));
        lines.extend(
            diff.nodes_changed
                .iter()
                .map(|change| format!("~ {}", change.after.name)),
        );
        lines.extend(diff.edges_removed.iter().map(|edge| format!("- {edge}")));
        lines.extend(diff.edges_added.iter().map(|edge| format!("+ {edge}")));
        lines.extend(changed.iter().map(change_text));
        lines.join("\n")
    })
}

fn change_text(change: &EstimandChange) -> String {
    let said = |verdict: &ceteris_graph::identify::Verdict| match (&verdict.latex, &verdict.reason) {
        (Some(latex), _) => latex.clone(),
        (None, Some(reason)) => reason.clone(),
        (None, None) => "unknown".to_owned(),
    };
    format!(
        "the effect of {} on {}:\n  before: {}\n  after:  {}",
        change.treatments.join(", "),
        change.outcomes.join(", "),
        said(&change.before),
        said(&change.after)
    )
}

fn paths(format: Format, args: &Paths) -> anyhow::Result<()> {
    let graph = read_graph(&args.graph)?;
    let set = |flag: &str, names: &[String]| -> anyhow::Result<NodeSet> {
        let id = |name: &String| {
            graph
                .id(name)
                .ok_or_else(|| bad_input(format!("{flag} {name}: is not a node of the graph")))
        };
        names.iter().map(id).collect()
    };
    let bounds = PathBounds {
        open_only: args.open,
        back_door_only: args.back_door,
        paths_max: args.max,
        ..PathBounds::default()
    };
    let (from, to, given) = (
        set("--from", &args.from)?,
        set("--to", &args.to)?,
        set("--given", &args.given)?,
    );
    let list = graph.view().paths(&from, &to, &given, &bounds);
    print(format, &list, || {
        let mut lines = Vec::new();
        for path in &list.paths {
            lines.push(format!(
                "{} {}",
                if path.open { "open  " } else { "closed" },
                path.text
            ));
            lines.extend(path.stops.iter().map(|stop| format!("         {}", stop.why)));
        }
        if lines.is_empty() {
            lines.push("no such path".to_owned());
        }
        if !list.complete {
            lines.push("there may be more: the search met its bound".to_owned());
        }
        lines.join("\n")
    })
}

fn implications(format: Format, graph: &Graph) -> anyhow::Result<()> {
    let mut names = graph
        .nodes()
        .filter(|(_, node)| !node.selected && !node.latent)
        .map(|(_, node)| node.name.clone());
    // Implications are of the graph alone; any two nodes ask for them.
    let (Some(first), Some(second)) = (names.next(), names.next()) else {
        return Err(bad_input(
            "--graph: two observed nodes at least are needed for an independence",
        ));
    };
    let answer = identify(graph, &Query::new(first, second)).map_err(|error| bad_input(error.to_string()))?;
    let (verma, complete) = verma_constraints(graph, VERMA_MAX, STEPS_MAX);
    let cut = |name: &String| name == "testable_implications" || name == "projection";
    let complete = complete && !answer.unfinished.iter().any(cut);
    let found = answer.testable_implications;
    let document =
        json!({ "testable_implications": found, "verma_constraints": verma, "complete": complete });
    print(format, &document, || {
        let mut lines: Vec<String> = found
            .iter()
            .map(|i| {
                let given = if i.given.is_empty() {
                    String::new()
                } else {
                    format!(" given {}", i.given.join(", "))
                };
                format!("{} is independent of {}{given}", i.left, i.right)
            })
            .collect();
        lines.extend(
            verma
                .iter()
                .map(|v| format!("{} does not depend on {}", v.latex, v.independent_of.join(", "))),
        );
        if lines.is_empty() && complete {
            lines.push("the graph implies nothing that data could refute".to_owned());
        }
        if !complete {
            lines.push("there may be more: the search met its bound".to_owned());
        }
        lines.join("\n")
    })
}

fn query(asked: &Asked) -> Query {
    Query::of(asked.treatment.clone(), asked.outcome.clone()).given(asked.given.clone())
}

fn derivation(format: Format, asked: &Asked) -> anyhow::Result<()> {
    let graph = read_graph(&asked.graph)?;
    match derive(&graph, &query(asked)) {
        Ok(proof) => {
            proof.verify(&graph).context("check the derivation again")?;
            let document =
                json!({ "identifiable": true, "derivation": proof, "text": proof.text(), "verified": true });
            print(format, &document, || proof.text())
        }
        Err(DeriveError::NotIdentifiable(witness)) => refusal(
            format,
            &json!({ "identifiable": false, "derivation": null, "witness": witness }),
            &witness,
        ),
        Err(DeriveError::Query(error)) => Err(bad_input(error.to_string())),
        Err(DeriveError::Spent { steps_max, so_far }) => {
            let reason = format!("the derivation needs more than {steps_max} steps of search");
            // Whether it is identifiable is known where the proof of it was begun.
            let identifiable = so_far.is_some().then_some(true);
            let document = json!({ "identifiable": identifiable, "derivation": null, "so_far": so_far, "reason": reason });
            print(format, &document, || match &so_far {
                Some(part) => format!("{}\n{reason}", part.text()),
                None => reason.clone(),
            })
        }
    }
}

fn refusal(format: Format, document: &serde_json::Value, witness: &Witness) -> anyhow::Result<()> {
    print(format, document, || format!("not identified: {witness}"))
}

fn mediation(format: Format, asked: &Asked, mediators: &[String]) -> anyhow::Result<()> {
    let graph = read_graph(&asked.graph)?;
    let answer = mediate(&graph, &query(asked), mediators).map_err(|error| bad_input(error.to_string()))?;
    print(format, &answer, || mediation_text(&answer))
}

fn mediation_text(answer: &Mediation) -> String {
    match (&answer.latex, &answer.witness) {
        (Some(latex), _) => {
            let mut lines = vec![latex.clone()];
            lines.extend(answer.effects.iter().cloned());
            lines.push(format!("assuming: {}", answer.assumptions.join(", ")));
            lines.join("\n")
        }
        (None, Some(witness)) => format!("not identified: {witness}"),
        (None, None) => "the search ran out of budget before it could be told".to_owned(),
    }
}

fn direct(format: Format, asked: &Asked) -> anyhow::Result<()> {
    let graph = read_graph(&asked.graph)?;
    let answer = direct_effect(&graph, &query(asked)).map_err(|error| bad_input(error.to_string()))?;
    print(format, &answer, || {
        let mut lines = Vec::new();
        if answer.edge == Some(false) {
            lines.push("the graph has no such edge: the direct effect is none".to_owned());
        }
        lines.push(match (&answer.controlled.latex, &answer.controlled.witness) {
            (Some(latex), _) => format!("controlled: {latex}"),
            (None, Some(witness)) => format!("controlled: not identified: {witness}"),
            (None, None) => "controlled: unknown".to_owned(),
        });
        let sets = answer
            .single_door_sets
            .iter()
            .map(|set| format!("{{{}}}", set.join(", ")));
        let sets: Vec<String> = sets.collect();
        let sets = match (sets.is_empty(), answer.complete) {
            (true, true) => "none".to_owned(),
            (true, false) => "unknown, the search met its bound".to_owned(),
            _ => sets.join(" "),
        };
        lines.push(format!("in a linear model, the coefficient given one of: {sets}"));
        lines.join("\n")
    })
}
