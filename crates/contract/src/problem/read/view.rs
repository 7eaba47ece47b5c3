//! `features`: views by name. A view's role is that of the node it measures.

use crate::duration::Span;
use crate::problem::fault::Faults;
use crate::problem::fields::{Fields, check_name};
use crate::problem::node::{Key, Node};
use crate::problem::{Aggregate, GraphSpec, NodeRole, Source, View, ViewKind, ViewSource, defaults};
use crate::value::Value;

/// Words for aggregates.
pub(super) const AGGREGATES: [(&str, Aggregate); 7] = [
    ("avg", Aggregate::Avg),
    ("sum", Aggregate::Sum),
    ("count", Aggregate::Count),
    ("count_distinct", Aggregate::CountDistinct),
    ("last", Aggregate::Last),
    ("days_since", Aggregate::DaysSince),
    ("any", Aggregate::Any),
];

const KINDS: [(&str, ViewKind); 2] = [
    ("numeric", ViewKind::Numeric),
    ("categorical", ViewKind::Categorical),
];

/// Reads all views in file order.
pub(super) fn read_all(
    node: Option<&Node>,
    source: &Source,
    graph: &GraphSpec,
    faults: &mut Faults,
) -> Vec<View> {
    let Some(fields) = node.and_then(|node| Fields::of(node, "features", faults)) else {
        return Vec::new();
    };
    fields
        .named()
        .map(|(key, node)| read(key, node, source, graph, faults))
        .collect()
}

fn read(key: &Key, node: &Node, source: &Source, graph: &GraphSpec, faults: &mut Faults) -> View {
    let path = format!("features.{}", key.text);
    check_name(key, &path, faults);
    let measured = graph.nodes.iter().find(|n| n.measured_by.contains(&key.text));
    let mut view = View {
        name: key.text.clone(),
        role: measured.map_or(NodeRole::Confounder, |n| n.role),
        kind: ViewKind::Numeric,
        from: ViewSource::Column {
            column: key.text.clone(),
        },
        default: Value::Null,
        optional: false,
    };
    let Some(mut fields) = Fields::of(node, &path, faults) else {
        return view;
    };
    view.kind = fields.choice("kind", &KINDS, faults).unwrap_or(ViewKind::Numeric);
    view.optional = fields.flag("optional", faults).unwrap_or(false);
    let given = fields.value("default", faults);
    match source {
        Source::Table { .. } => {
            if let Some(column) = fields.text("column", faults) {
                view.from = ViewSource::Column { column };
            }
            view.default = given.unwrap_or(Value::Null);
        }
        Source::Events { .. } => {
            let aggregate = fields.choice_needed("aggregate", &AGGREGATES, faults);
            view.from = from_events(&mut fields, aggregate, faults);
            view.default = match given {
                Some(value) => value,
                None => default_of(aggregate, &fields, faults),
            };
        }
    }
    fields.finish(faults);
    view
}

fn from_events(fields: &mut Fields<'_>, aggregate: Option<Aggregate>, faults: &mut Faults) -> ViewSource {
    let event = fields
        .text_needed("event", "purchase", faults)
        .unwrap_or_default();
    let property = property(fields, aggregate, faults);
    let window = fields
        .span_needed("window", "30d", faults)
        .unwrap_or(Span::days(1));
    let bucket = fields
        .span("bucket", faults)
        .unwrap_or_else(|| defaults::bucket(window));
    let ttl = fields
        .span("ttl", faults)
        .unwrap_or_else(|| defaults::ttl(window, bucket));
    ViewSource::Events {
        aggregate: aggregate.unwrap_or(Aggregate::Count),
        event,
        property,
        window,
        bucket,
        ttl,
    }
}

/// The property an aggregate reads: needed by some, meaningless for others.
pub(super) fn property(
    fields: &mut Fields<'_>,
    aggregate: Option<Aggregate>,
    faults: &mut Faults,
) -> Option<String> {
    let path = fields.at("property");
    match aggregate {
        Some(Aggregate::Avg | Aggregate::Sum | Aggregate::Last | Aggregate::CountDistinct) => {
            fields.text_needed("property", "amount", faults)
        }
        Some(Aggregate::Count | Aggregate::Any | Aggregate::DaysSince) => {
            if fields.get("property").is_some() {
                faults.add(
                    &path,
                    "has no meaning for count, any and days_since",
                    "leave it out, or use avg, sum, last or count_distinct",
                );
            }
            None
        }
        None => fields.text("property", faults),
    }
}

/// What a unit without events has. Counts and sums are 0; for the others only the data scientist knows.
fn default_of(aggregate: Option<Aggregate>, fields: &Fields<'_>, faults: &mut Faults) -> Value {
    if let Some(Aggregate::Avg | Aggregate::Last | Aggregate::DaysSince) = aggregate
        && !fields.has("default")
    {
        let fix = "add `default:` with the value of a unit without such events";
        faults.add(
            &fields.at("default"),
            "is missing: without events this aggregate has no value",
            fix,
        );
    }
    Value::Number(0.0)
}
