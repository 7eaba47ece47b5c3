//! The one form of model part and gates whose digest manifests pinned before a problem had three parts. It is frozen:
//! its types are its own, and no key that came later is in it, so that those manifests stay comparable for ever.

use serde::Serialize;

use crate::duration::Span;
use crate::problem::{
    Aggregate, Arm, Direction, GraphSpec, NodeRole, NodeSpec, Outcome, OutcomeSource, Problem, Source,
    Treatment, TreatmentKind, TreatmentSource, View, ViewKind, ViewSource,
};
use crate::value::Value;

/// A problem file's content with everything of the policy emptied.
#[derive(Serialize)]
pub(super) struct OneForm<'a> {
    name: &'a str,
    description: &'static str,
    entity: &'a str,
    source: SourceForm<'a>,
    graph: GraphForm<'a>,
    features: Vec<ViewForm<'a>>,
    treatments: Vec<TreatmentForm<'a>>,
    outcomes: Vec<OutcomeForm<'a>>,
    effect_basis: &'a [String],
    policy: PolicyForm,
    fallback: [(); 0],
    gates: GatesForm,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum SourceForm<'a> {
    Events {
        opportunity_events: &'a [String],
        attribution: Span,
        lateness: Span,
        controls_per_treated: f64,
    },
    Table {
        unit: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct GraphForm<'a> {
    nodes: Vec<NodeForm<'a>>,
    directed: &'a [(String, String)],
    bidirected: &'a [(String, String)],
}

#[derive(Serialize)]
struct NodeForm<'a> {
    name: &'a str,
    role: NodeRole,
    description: &'a str,
    measured_by: &'a [String],
}

#[derive(Serialize)]
struct ViewForm<'a> {
    name: &'a str,
    role: NodeRole,
    kind: ViewKind,
    from: ViewFrom<'a>,
    default: &'a Value,
    optional: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum ViewFrom<'a> {
    Events {
        aggregate: Aggregate,
        event: &'a str,
        property: Option<&'a str>,
        window: Span,
        bucket: Span,
        ttl: Span,
    },
    Column {
        column: &'a str,
    },
}

#[derive(Serialize)]
struct TreatmentForm<'a> {
    name: &'a str,
    node: &'a str,
    kind: TreatmentKind,
    from: TreatmentFrom<'a>,
    arms: Vec<ArmForm<'a>>,
    washout: Span,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum TreatmentFrom<'a> {
    Event {
        event: &'a str,
        dose_property: Option<&'a str>,
    },
    Column {
        column: &'a str,
        control: &'a Value,
    },
}

#[derive(Serialize)]
struct ArmForm<'a> {
    id: &'a str,
    dose: Option<&'a Value>,
    cost: f64,
}

#[derive(Serialize)]
struct OutcomeForm<'a> {
    name: &'a str,
    node: &'a str,
    from: OutcomeFrom<'a>,
    weight: f64,
    direction: Direction,
    primary: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum OutcomeFrom<'a> {
    Events {
        aggregate: Aggregate,
        event: &'a str,
        property: Option<&'a str>,
        window: Span,
    },
    Column {
        column: &'a str,
    },
}

#[derive(Default, Serialize)]
struct PolicyForm {
    significance_level: f64,
    exploration: f64,
    holdout: f64,
    propensity_floor: f64,
    require_significance: bool,
}

#[derive(Serialize)]
struct GatesForm {
    rows_per_arm_min: u64,
    propensity_clip: f64,
    clipped_share_max: f64,
    missing_share_max: f64,
}

impl<'a> OneForm<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        OneForm {
            name: &problem.name,
            description: "",
            entity: &problem.entity,
            source: source(&problem.source),
            graph: graph(&problem.graph),
            features: problem.features.iter().map(view).collect(),
            treatments: problem.treatments.iter().map(treatment).collect(),
            outcomes: problem.outcomes.iter().map(outcome).collect(),
            effect_basis: &problem.effect_basis,
            policy: PolicyForm::default(),
            fallback: [],
            gates: GatesForm {
                rows_per_arm_min: problem.gates.rows_per_arm_min,
                propensity_clip: problem.gates.propensity_clip,
                clipped_share_max: problem.gates.clipped_share_max,
                missing_share_max: problem.gates.missing_share_max,
            },
        }
    }
}

fn source(source: &Source) -> SourceForm<'_> {
    match source {
        Source::Events {
            opportunity_events,
            attribution,
            lateness,
            controls_per_treated,
        } => SourceForm::Events {
            opportunity_events,
            attribution: *attribution,
            lateness: *lateness,
            controls_per_treated: *controls_per_treated,
        },
        Source::Table { unit } => SourceForm::Table {
            unit: unit.as_deref(),
        },
    }
}

fn graph(graph: &GraphSpec) -> GraphForm<'_> {
    GraphForm {
        nodes: graph.nodes.iter().map(node).collect(),
        directed: &graph.directed,
        bidirected: &graph.bidirected,
    }
}

fn node(node: &NodeSpec) -> NodeForm<'_> {
    NodeForm {
        name: &node.name,
        role: node.role,
        description: &node.description,
        measured_by: &node.measured_by,
    }
}

fn view(view: &View) -> ViewForm<'_> {
    let from = match &view.from {
        ViewSource::Events {
            aggregate,
            event,
            property,
            window,
            bucket,
            ttl,
        } => ViewFrom::Events {
            aggregate: *aggregate,
            event,
            property: property.as_deref(),
            window: *window,
            bucket: *bucket,
            ttl: *ttl,
        },
        ViewSource::Column { column } => ViewFrom::Column { column },
    };
    ViewForm {
        name: &view.name,
        role: view.role,
        kind: view.kind,
        from,
        default: &view.default,
        optional: view.optional,
    }
}

fn treatment(treatment: &Treatment) -> TreatmentForm<'_> {
    let from = match &treatment.from {
        TreatmentSource::Event { event, dose_property } => TreatmentFrom::Event {
            event,
            dose_property: dose_property.as_deref(),
        },
        TreatmentSource::Column { column, control } => TreatmentFrom::Column { column, control },
    };
    TreatmentForm {
        name: &treatment.name,
        node: &treatment.node,
        kind: treatment.kind,
        from,
        arms: treatment.arms.iter().map(arm).collect(),
        washout: treatment.washout,
    }
}

fn arm(arm: &Arm) -> ArmForm<'_> {
    ArmForm {
        id: &arm.id,
        dose: arm.dose.as_ref(),
        cost: 0.0,
    }
}

fn outcome(outcome: &Outcome) -> OutcomeForm<'_> {
    let from = match &outcome.from {
        OutcomeSource::Events {
            aggregate,
            event,
            property,
            window,
        } => OutcomeFrom::Events {
            aggregate: *aggregate,
            event,
            property: property.as_deref(),
            window: *window,
        },
        OutcomeSource::Column { column } => OutcomeFrom::Column { column },
    };
    OutcomeForm {
        name: &outcome.name,
        node: &outcome.node,
        from,
        weight: 0.0,
        direction: outcome.direction,
        primary: outcome.primary,
    }
}
