//! The model part: what the rows of a dataset and the numbers of a model depend on.

use serde::Serialize;

use super::unless;
use crate::duration::Span;
use crate::problem::{
    Aggregate, Arm, Direction, Gates, GraphSpec, NodeRole, NodeSpec, Outcome, OutcomeSource, Problem, Source,
    Treatment, TreatmentKind, TreatmentSource, View, ViewKind, ViewSource, defaults,
};
use crate::value::Value;

/// What a model depends on.
#[derive(Debug, PartialEq, Serialize)]
pub struct ModelPart<'a> {
    problem: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<&'a str>,
    source: SourcePart<'a>,
    graph: GraphPart<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    features: Vec<ViewPart<'a>>,
    treatments: Vec<TreatmentPart<'a>>,
    outcomes: Vec<OutcomePart<'a>>,
    effect_basis: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    propensity_clip: Option<f64>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum SourcePart<'a> {
    Events {
        opportunity: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        attribution: Option<Span>,
        #[serde(skip_serializing_if = "Option::is_none")]
        lateness: Option<Span>,
        #[serde(skip_serializing_if = "Option::is_none")]
        controls_per_treated: Option<f64>,
    },
    Table {
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<&'a str>,
    },
}

#[derive(Debug, PartialEq, Serialize)]
struct GraphPart<'a> {
    nodes: Vec<NodePart<'a>>,
    directed: &'a [(String, String)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bidirected: &'a [(String, String)],
}

#[derive(Debug, PartialEq, Serialize)]
struct NodePart<'a> {
    name: &'a str,
    role: NodeRole,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    measured_by: &'a [String],
}

#[derive(Debug, PartialEq, Serialize)]
struct ViewPart<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ViewKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<ViewEvents<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    optional: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize)]
struct ViewEvents<'a> {
    aggregate: Aggregate,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<&'a str>,
    window: Span,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Span>,
}

#[derive(Debug, PartialEq, Serialize)]
struct TreatmentPart<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    /// Always there: its default depends on how the file writes the arms, of which the problem keeps nothing.
    kind: TreatmentKind,
    from: TreatmentFrom<'a>,
    arms: Vec<ArmPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    washout: Option<Span>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum TreatmentFrom<'a> {
    Event {
        event: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        dose_property: Option<&'a str>,
    },
    Column {
        column: &'a str,
        control: &'a Value,
    },
}

#[derive(Debug, PartialEq, Serialize)]
struct ArmPart<'a> {
    id: &'a str,
    /// Left out in a table where it is the id, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    dose: Option<&'a Value>,
}

#[derive(Debug, PartialEq, Serialize)]
struct OutcomePart<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<OutcomeEvents<'a>>,
    /// Left out where more is better, whatever the weight's sign: the weight is of another part.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize)]
struct OutcomeEvents<'a> {
    aggregate: Aggregate,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<&'a str>,
    window: Span,
}

impl<'a> ModelPart<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let Problem {
            name,
            entity,
            source,
            graph,
            features,
            treatments,
            outcomes,
            effect_basis,
            gates,
            // Words for people; of the policy part.
            description: _,
            policy: _,
            fallback: _,
        } = problem;
        let Gates {
            propensity_clip,
            // Of the operation part.
            rows_per_arm_min: _,
            clipped_share_max: _,
            missing_share_max: _,
        } = *gates;
        ModelPart {
            problem: name,
            entity: unless(entity.as_str(), defaults::ENTITY),
            source: source_part(source),
            graph: graph_part(graph),
            features: features.iter().map(view).collect(),
            treatments: treatments.iter().map(treatment).collect(),
            outcomes: outcomes.iter().map(outcome).collect(),
            effect_basis,
            propensity_clip: unless(propensity_clip, defaults::GATES.propensity_clip),
        }
    }
}

fn source_part(source: &Source) -> SourcePart<'_> {
    match source {
        Source::Events {
            opportunity_events,
            attribution,
            lateness,
            controls_per_treated,
        } => SourcePart::Events {
            opportunity: opportunity_events,
            attribution: unless(*attribution, defaults::ATTRIBUTION),
            lateness: unless(*lateness, defaults::LATENESS),
            controls_per_treated: unless(*controls_per_treated, defaults::CONTROLS_PER_TREATED),
        },
        Source::Table { unit } => SourcePart::Table {
            unit: unit.as_deref(),
        },
    }
}

fn graph_part(graph: &GraphSpec) -> GraphPart<'_> {
    let GraphSpec {
        nodes,
        directed,
        bidirected,
    } = graph;
    GraphPart {
        nodes: nodes.iter().map(node).collect(),
        directed,
        bidirected,
    }
}

fn node(node: &NodeSpec) -> NodePart<'_> {
    let NodeSpec {
        name,
        role,
        description: _,
        measured_by,
    } = node;
    NodePart {
        name,
        role: *role,
        measured_by,
    }
}

fn view(view: &View) -> ViewPart<'_> {
    let View {
        name,
        // That of the node it measures.
        role: _,
        kind,
        from,
        default,
        optional,
    } = view;
    let (column, events, without) = match from {
        ViewSource::Column { column } => (unless(column, name), None, &Value::Null),
        ViewSource::Events {
            aggregate,
            event,
            property,
            window,
            bucket,
            ttl,
        } => {
            let events = ViewEvents {
                aggregate: *aggregate,
                event,
                property: property.as_deref(),
                window: *window,
                bucket: unless(*bucket, defaults::bucket(*window)),
                ttl: unless(*ttl, defaults::ttl(*window, *bucket)),
            };
            (None, Some(events), &Value::Number(0.0))
        }
    };
    ViewPart {
        name,
        kind: unless(*kind, ViewKind::Numeric),
        column: column.map(String::as_str),
        events,
        default: unless(default, without),
        optional: unless(*optional, false),
    }
}

fn treatment(treatment: &Treatment) -> TreatmentPart<'_> {
    let Treatment {
        name,
        node,
        kind,
        from,
        arms,
        washout,
    } = treatment;
    let (from, in_table) = match from {
        TreatmentSource::Event { event, dose_property } => {
            let dose_property = dose_property.as_deref();
            (TreatmentFrom::Event { event, dose_property }, false)
        }
        TreatmentSource::Column { column, control } => (TreatmentFrom::Column { column, control }, true),
    };
    TreatmentPart {
        name,
        node: unless(node.as_str(), name),
        kind: *kind,
        from,
        arms: arms.iter().map(|of| arm(of, in_table)).collect(),
        washout: unless(*washout, Span(0)),
    }
}

fn arm(arm: &Arm, in_table: bool) -> ArmPart<'_> {
    // The cost is of the policy part.
    let Arm { id, dose, cost: _ } = arm;
    let is_id = |dose: &Value| matches!(dose, Value::Text(text) if text == id);
    ArmPart {
        id,
        dose: dose.as_ref().filter(|dose| !(in_table && is_id(dose))),
    }
}

fn outcome(outcome: &Outcome) -> OutcomePart<'_> {
    let Outcome {
        name,
        node,
        from,
        // Of the policy part.
        weight: _,
        direction,
        primary,
    } = outcome;
    let (column, events) = match from {
        OutcomeSource::Column { column } => (unless(column.as_str(), name), None),
        OutcomeSource::Events {
            aggregate,
            event,
            property,
            window,
        } => {
            let events = OutcomeEvents {
                aggregate: *aggregate,
                event,
                property: property.as_deref(),
                window: *window,
            };
            (None, Some(events))
        }
    };
    OutcomePart {
        name,
        node: unless(node.as_str(), name),
        column,
        events,
        direction: unless(*direction, Direction::Maximise),
        primary: unless(*primary, false),
    }
}
