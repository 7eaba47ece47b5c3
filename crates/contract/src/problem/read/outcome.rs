//! `outcomes`: what is to change, by name.

use super::view::{AGGREGATES, property};
use crate::duration::Span;
use crate::problem::fault::Faults;
use crate::problem::fields::{Fields, check_name};
use crate::problem::node::{Key, Node};
use crate::problem::{Aggregate, Direction, Outcome, OutcomeSource, Source};

const DIRECTIONS: [(&str, Direction); 2] = [
    ("maximise", Direction::Maximise),
    ("minimise", Direction::Minimise),
];

/// Reads all outcomes in file order.
pub(super) fn read_all(node: Option<&Node>, source: &Source, faults: &mut Faults) -> Vec<Outcome> {
    let Some(fields) = node.and_then(|node| Fields::of(node, "outcomes", faults)) else {
        return Vec::new();
    };
    let all: Vec<Outcome> = fields
        .named()
        .map(|(key, node)| read(key, node, source, faults))
        .collect();
    if all.is_empty() {
        faults.add(
            "outcomes",
            "names no outcome",
            "add at least one, with `primary: true`",
        );
    }
    all
}

fn read(key: &Key, node: &Node, source: &Source, faults: &mut Faults) -> Outcome {
    let path = format!("outcomes.{}", key.text);
    check_name(key, &path, faults);
    let mut outcome = Outcome {
        name: key.text.clone(),
        node: key.text.clone(),
        from: OutcomeSource::Column {
            column: key.text.clone(),
        },
        weight: 0.0,
        direction: Direction::Maximise,
        primary: false,
    };
    let Some(mut fields) = Fields::of(node, &path, faults) else {
        return outcome;
    };
    if let Some(node) = fields.text("node", faults) {
        outcome.node = node;
    }
    outcome.primary = fields.flag("primary", faults).unwrap_or(false);
    outcome.weight = fields.number("weight", faults).unwrap_or(0.0);
    if outcome.primary && !fields.has("weight") {
        let fix = "add `weight:`, what one unit of the outcome is worth in the currency of the costs";
        faults.add(&fields.at("weight"), "is missing on the primary outcome", fix);
    }
    let implied = if outcome.weight < 0.0 {
        Direction::Minimise
    } else {
        Direction::Maximise
    };
    outcome.direction = fields.choice("direction", &DIRECTIONS, faults).unwrap_or(implied);
    match source {
        Source::Table { .. } => {
            if let Some(column) = fields.text("column", faults) {
                outcome.from = OutcomeSource::Column { column };
            }
        }
        Source::Events { .. } => outcome.from = from_events(&mut fields, faults),
    }
    fields.finish(faults);
    outcome
}

fn from_events(fields: &mut Fields<'_>, faults: &mut Faults) -> OutcomeSource {
    let mut aggregate = fields.choice_needed("aggregate", &AGGREGATES, faults);
    if !matches!(
        aggregate,
        None | Some(Aggregate::Any | Aggregate::Count | Aggregate::Sum)
    ) {
        let fix = "use `any`, `count` or `sum`: only these are 0 where nothing happened";
        faults.add(&fields.at("aggregate"), "is no aggregate of an outcome", fix);
        aggregate = None;
    }
    let event = fields
        .text_needed("event", "purchase", faults)
        .unwrap_or_default();
    let property = property(fields, aggregate, faults);
    let window = fields
        .span_needed("window", "7d", faults)
        .unwrap_or(Span::days(1));
    OutcomeSource::Events {
        aggregate: aggregate.unwrap_or(Aggregate::Any),
        event,
        property,
        window,
    }
}
