//! `ceteris identify`: can data answer this question?

use anyhow::Context;
use ceteris_contract::problem::Problem;
use ceteris_graph::Graph;
use ceteris_graph::identify::{Identification, Query, Strategy, identify};
use ceteris_terminal::{Format, bad_input, print};
use ceteris_trainer::graph_of;

use crate::cli::{Identify, StrategyArg};
use crate::verbs::read_text;

pub(crate) fn run(format: Format, args: &Identify) -> anyhow::Result<()> {
    let graph = read_graph(&args.graph)?;
    let query = Query {
        forbidden: args.forbid.clone(),
        required: args.require.clone(),
        costs: args.cost.iter().cloned().collect(),
        ..Query::of(args.treatment.clone(), args.outcome.clone())
    };
    let query = query.given(args.given.clone()).by(strategy(args));
    let answer = identify(&graph, &query).map_err(|error| bad_input(error.to_string()))?;
    print(format, &answer, || text(args, &answer))
}

/// Reads a graph: a problem file by its extension, else whatever graph text it holds.
pub(crate) fn read_graph(path: &std::path::Path) -> anyhow::Result<Graph> {
    let text = read_text(path)?;
    if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        let problem = Problem::from_yaml(&text).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            bad_input(format!("{}: {}", path.display(), faults.join("; ")))
        })?;
        return graph_of(&problem).context("build the problem's graph");
    }
    Graph::parse(&text).map_err(|error| bad_input(format!("{}: {error}", path.display())))
}

fn strategy(args: &Identify) -> Strategy {
    match args.strategy {
        StrategyArg::Auto => Strategy::Auto,
        StrategyArg::Backdoor => Strategy::Backdoor,
        StrategyArg::Frontdoor => Strategy::Frontdoor,
        StrategyArg::Iv => Strategy::Iv,
        StrategyArg::Id => Strategy::Id,
    }
}

fn text(args: &Identify, answer: &Identification) -> String {
    let question = format!(
        "the effect of {} on {}",
        args.treatment.join(", "),
        args.outcome.join(", ")
    );
    let mut lines = vec![match answer.identifiable {
        Some(true) => format!("{question} is identified"),
        Some(false) => format!("{question} is not identified from the graph alone"),
        None => format!("{question}: the search ran out of budget before it could be told"),
    }];
    let sets = |sets: &[Vec<String>]| {
        sets.iter()
            .map(|s| format!("{{{}}}", s.join(", ")))
            .collect::<Vec<_>>()
            .join(" ")
    };
    if !answer.adjustment_sets.is_empty() {
        lines.push(format!(
            "minimal adjustment sets: {}",
            sets(&answer.adjustment_sets)
        ));
    }
    if let Some(set) = &answer.cheapest_adjustment_set {
        lines.push(format!("cheapest adjustment set: {{{}}}", set.join(", ")));
    }
    match (
        &answer.optimal_adjustment_set,
        &answer.optimal_adjustment_set_reason,
    ) {
        (Some(set), _) => lines.push(format!("optimal adjustment set: {{{}}}", set.join(", "))),
        (None, Some(reason)) => lines.push(format!("no optimal adjustment set: {reason}")),
        (None, None) => {}
    }
    if !answer.mediators.is_empty() {
        lines.push(format!("through: {}", answer.mediators.join(", ")));
    }
    if !answer.instruments.is_empty() {
        lines.push(format!("instruments: {}", answer.instruments.join(", ")));
    }
    if !answer.assumptions.is_empty() {
        lines.push(format!("assuming: {}", answer.assumptions.join(", ")));
    }
    lines.extend(answer.words.iter().cloned());
    lines.extend(answer.latex.iter().map(|latex| format!("LaTeX: {latex}")));
    if !answer.selected.is_empty() {
        lines.push(format!(
            "every probability among those selected by {}",
            answer.selected.join(", ")
        ));
    }
    lines.extend(
        answer
            .bounds
            .iter()
            .map(|bounds| format!("bounds ({}): {}", bounds.method, bounds.latex)),
    );
    lines.extend(answer.witness.iter().map(|witness| format!("because {witness}")));
    lines.join("\n")
}
