//! `source`: events or a table.

use crate::problem::fault::{Faults, did_you_mean};
use crate::problem::fields::Fields;
use crate::problem::node::{Kind, Node};
use crate::problem::{Source, defaults};

/// Reads `source`. Where it cannot be told, treatments that name a column mean a table.
pub(super) fn read(node: Option<&Node>, treatments: Option<&Node>, faults: &mut Faults) -> Source {
    node.and_then(|node| read_known(node, faults)).unwrap_or_else(|| {
        if treatments.is_some_and(names_a_column) {
            Source::Table { unit: None }
        } else {
            events(None, faults)
        }
    })
}

fn read_known(node: &Node, faults: &mut Faults) -> Option<Source> {
    let fix = "write `source: { events: {..} }` or `source: table`";
    let (kind, inner) = match &node.kind {
        Kind::Scalar { text, .. } => (text.as_str(), None),
        Kind::Map(entries) if entries.len() == 1 => (entries[0].0.text.as_str(), Some(&entries[0].1)),
        _ => {
            faults.at(node.mark, "source", "must name one kind of source", fix);
            return None;
        }
    };
    faults.mark(&format!("source.{kind}"), node.mark);
    match (kind, inner) {
        ("events", Some(inner)) => Some(events(Some(inner), faults)),
        ("events", None) => {
            faults.at(
                node.mark,
                "source",
                "says nothing about the events",
                "write `source: { events: { opportunity: [..] } }`",
            );
            None
        }
        ("table", inner) => {
            let mut fields = inner.and_then(|inner| Fields::of(inner, "source.table", faults));
            let unit = fields.as_mut().and_then(|f| f.text("unit", faults));
            if let Some(fields) = fields {
                fields.finish(faults);
            }
            Some(Source::Table { unit })
        }
        _ => {
            let problem = format!("`{kind}` is no source");
            faults.at(
                node.mark,
                "source",
                problem,
                did_you_mean(kind, ["events", "table"]),
            );
            None
        }
    }
}

fn events(node: Option<&Node>, faults: &mut Faults) -> Source {
    let mut fields = node.and_then(|node| Fields::of(node, "source.events", faults));
    let mut opportunity_events = Vec::new();
    let (mut attribution, mut lateness, mut controls) = (None, None, None);
    if let Some(fields) = &mut fields {
        if fields.need("opportunity", "[page_viewed]", faults).is_some() {
            opportunity_events = fields.texts("opportunity", faults).unwrap_or_default();
            if opportunity_events.is_empty() {
                faults.add(
                    &fields.at("opportunity"),
                    "names no event",
                    "name the events at which a decision could be made",
                );
            }
        }
        attribution = fields.span("attribution", faults);
        lateness = fields.span("lateness", faults);
        controls = fields.number("controls_per_treated", faults);
    }
    if let Some(fields) = fields {
        fields.finish(faults);
    }
    Source::Events {
        opportunity_events: opportunity_events.into_iter().map(|(name, _)| name).collect(),
        attribution: attribution.unwrap_or(defaults::ATTRIBUTION),
        lateness: lateness.unwrap_or(defaults::LATENESS),
        controls_per_treated: controls.unwrap_or(defaults::CONTROLS_PER_TREATED),
    }
}

fn names_a_column(treatments: &Node) -> bool {
    let Kind::Map(entries) = &treatments.kind else {
        return false;
    };
    entries.iter().any(|(_, treatment)| match &treatment.kind {
        Kind::Map(keys) => keys.iter().any(|(key, _)| key.text == "column"),
        _ => false,
    })
}
