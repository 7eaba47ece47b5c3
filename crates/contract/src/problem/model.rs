//! The typed content of a problem file, after it was read and checked.

use serde::{Deserialize, Serialize};

use crate::duration::Span;
use crate::value::Value;

/// One decision problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Name, `[a-z][a-z0-9_-]*`: part of every model version.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// What is decided for; today the id field of requests and events is always `user_id`.
    pub entity: String,
    /// Where rows come from.
    pub source: Source,
    /// The causal graph.
    pub graph: GraphSpec,
    /// Feature views in file order.
    pub features: Vec<View>,
    /// Treatments in file order.
    pub treatments: Vec<Treatment>,
    /// Outcomes in file order, exactly one primary.
    pub outcomes: Vec<Outcome>,
    /// Names of the views the effects may vary with; the effect basis is 1 and these, standardised or one-hot.
    pub effect_basis: Vec<String>,
    /// How effects become actions.
    pub policy: Policy,
    /// What is given when no confident effect is at hand, first match wins; no match gives no treatment.
    #[serde(default)]
    pub fallback: Vec<FallbackRule>,
    /// What a model must pass before it is published.
    pub gates: Gates,
}

/// Where a problem's rows come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Source {
    /// The event log: a row is a decision opportunity.
    Events {
        /// Event types that are decision opportunities.
        opportunity_events: Vec<String>,
        /// A treatment event at `t <= e.ts < t + attribution` belongs to the opportunity at t.
        attribution: Span,
        /// How long after a window's end outcomes may still arrive.
        lateness: Span,
        /// Controls sampled per treated row in each calendar day, at the most.
        controls_per_treated: f64,
    },
    /// A table with one row per unit.
    Table {
        /// The column that names the unit; the row number where it is absent.
        #[serde(default)]
        unit: Option<String>,
    },
}

/// Nodes and edges as the file has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphSpec {
    /// Nodes in file order.
    pub nodes: Vec<NodeSpec>,
    /// `from -> to`.
    pub directed: Vec<(String, String)>,
    /// `a <-> b`: a latent common cause.
    #[serde(default)]
    pub bidirected: Vec<(String, String)>,
}

/// One node of the causal graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Name.
    pub name: String,
    /// Its part in the problem.
    pub role: NodeRole,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Views that measure it (for treatments and outcomes: filled from their `node`). Empty with role `latent` only.
    #[serde(default)]
    pub measured_by: Vec<String>,
}

/// The part a node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// What is given.
    Treatment,
    /// What is to change.
    Outcome,
    /// Before the decision; may cause treatment and outcome.
    Confounder,
    /// Before the decision; changes the effect.
    EffectModifier,
    /// Before the decision; moves the treatment only.
    Instrument,
    /// After the decision, between treatment and outcome.
    Mediator,
    /// Nothing measures it.
    Latent,
}

/// What a view's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    /// A number.
    Numeric,
    /// A category.
    Categorical,
}

/// One feature view. Its role is that of the node it measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Name: the key in a request's context and the end of the dataset's column name.
    pub name: String,
    /// The role of the node it measures.
    pub role: NodeRole,
    /// Number or category.
    pub kind: ViewKind,
    /// Where its value comes from.
    pub from: ViewSource,
    /// The value of a unit without events; for a table null is allowed and means missing.
    pub default: Value,
    /// A request that reaches no stored value for a view that is not optional falls back.
    #[serde(default)]
    pub optional: bool,
}

/// Where a view's value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ViewSource {
    /// An aggregate over events: an event counts at t iff `floor(t, bucket) - window <= e.ts < t`; for a mediator iff
    /// `t < e.ts <= t + window`.
    Events {
        /// How events become one value.
        aggregate: Aggregate,
        /// Which events.
        event: String,
        /// Dotted path of the property aggregated; none for `count`, `any` and `days_since`.
        #[serde(default)]
        property: Option<String>,
        /// How far back.
        window: Span,
        /// Granularity of the window's far edge.
        bucket: Span,
        /// How long an idle unit's state is kept online.
        ttl: Span,
    },
    /// A column of the table.
    Column {
        /// Its name.
        column: String,
    },
}

/// How events become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Mean of a property.
    Avg,
    /// Sum of a property.
    Sum,
    /// Number of events.
    Count,
    /// Number of distinct values of a property.
    CountDistinct,
    /// The newest value of a property.
    Last,
    /// Days since the newest event.
    DaysSince,
    /// 1 if there was any event.
    Any,
}

/// Discrete or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreatmentKind {
    /// Given or not.
    Binary,
    /// One of several arms.
    Categorical,
    /// A level.
    Continuous,
}

/// One kind of intervention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Treatment {
    /// Name: the `type` of requests.
    pub name: String,
    /// The graph's node.
    pub node: String,
    /// Binary, categorical or continuous.
    pub kind: TreatmentKind,
    /// Where it is observed.
    pub from: TreatmentSource,
    /// The arms besides control, in file order.
    pub arms: Vec<Arm>,
    /// A unit treated within this span before t is no row at t.
    pub washout: Span,
}

impl Treatment {
    /// The dataset's column for it.
    pub fn column(&self) -> String {
        format!("treatment_{}", self.name)
    }
}

/// Where a treatment is observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TreatmentSource {
    /// An event; with a dose property it says which arm.
    Event {
        /// The event type.
        event: String,
        /// Dotted path of the property that tells the arm; none where there is one arm.
        #[serde(default)]
        dose_property: Option<String>,
    },
    /// A column of the table; `control` is the value that means not treated.
    Column {
        /// Its name.
        column: String,
        /// The value of the untreated.
        control: Value,
    },
}

/// One discrete level of a treatment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The `treatment_id` of requests and effects.
    pub id: String,
    /// The value that events, tables and request parameters show for it; none for a binary treatment.
    #[serde(default)]
    pub dose: Option<Value>,
    /// What giving it costs, in the currency of the objective.
    pub cost: f64,
}

/// What is to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name: the end of the dataset's column name.
    pub name: String,
    /// The graph's node.
    pub node: String,
    /// Where it is observed.
    pub from: OutcomeSource,
    /// Currency per unit of the outcome in the objective; negative where less is better.
    pub weight: f64,
    /// Which way is good.
    pub direction: Direction,
    /// The outcome `estimated_effect` is about.
    pub primary: bool,
}

impl Outcome {
    /// The dataset's column for it.
    pub fn column(&self) -> String {
        format!("outcome_{}", self.name)
    }

    /// The span after t over which it is measured; zero in a table.
    pub fn window(&self) -> Span {
        match &self.from {
            OutcomeSource::Events { window, .. } => *window,
            OutcomeSource::Column { .. } => Span(0),
        }
    }
}

/// Where an outcome is observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OutcomeSource {
    /// An aggregate (`any`, `count`, `sum`) over the events with `t < e.ts <= t + window`.
    Events {
        /// How events become one value.
        aggregate: Aggregate,
        /// Which events.
        event: String,
        /// Dotted path of the property summed.
        #[serde(default)]
        property: Option<String>,
        /// How long after the decision.
        window: Span,
    },
    /// A column of the table.
    Column {
        /// Its name.
        column: String,
    },
}

/// Which way an outcome is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    Maximise,
    /// Less is better.
    Minimise,
}

/// How effects become actions. Changed without retraining; its digest is logged with each decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Significance level of `significant` and of intervals (0.05: 95 % intervals).
    pub significance_level: f64,
    /// Probability mass spread evenly over every allowed arm, control included.
    pub exploration: f64,
    /// Probability mass that goes to control whatever the effects say.
    pub holdout: f64,
    /// No allowed arm is given with less probability than this.
    pub propensity_floor: f64,
    /// Only arms whose effect is significant are exploited.
    #[serde(default)]
    pub require_significance: bool,
}

/// One rule of the fallback policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FallbackRule {
    /// The condition; none matches always.
    #[serde(default)]
    pub when: Option<Condition>,
    /// The arm given, none for no treatment. Skipped where the request does not offer it.
    #[serde(default)]
    pub give: Option<String>,
}

/// A comparison of one feature with a constant. An unknown feature never matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The view.
    pub feature: String,
    /// The comparison.
    pub op: Comparison,
    /// The constant.
    pub value: Value,
}

/// Comparisons of fallback rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less than.
    Lt,
    /// At most.
    Le,
    /// Greater than.
    Gt,
    /// At least.
    Ge,
}

/// What a model must pass before it is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// Fewest rows per arm, control included.
    pub rows_per_arm_min: u64,
    /// Propensities are clipped to `[clip, 1 - clip]`.
    pub propensity_clip: f64,
    /// Largest share of rows whose propensity was clipped.
    pub clipped_share_max: f64,
    /// Largest share of missing values in a required view.
    pub missing_share_max: f64,
}

impl Problem {
    /// The primary outcome. A checked problem has exactly one.
    pub fn primary_outcome(&self) -> &Outcome {
        self.outcomes
            .iter()
            .find(|o| o.primary)
            .unwrap_or(&self.outcomes[0])
    }

    /// The arm with this id and its treatment.
    pub fn arm(&self, id: &str) -> Option<(&Treatment, &Arm)> {
        self.treatments
            .iter()
            .find_map(|t| t.arms.iter().find(|a| a.id == id).map(|a| (t, a)))
    }

    /// The view with this name.
    pub fn view(&self, name: &str) -> Option<&View> {
        self.features.iter().find(|v| v.name == name)
    }

    /// Views known before the decision, in file order: what a decision's features are.
    pub fn decision_views(&self) -> impl Iterator<Item = &View> {
        self.features.iter().filter(|v| v.role != NodeRole::Mediator)
    }
}

impl View {
    /// The dataset's column for it.
    pub fn column(&self) -> String {
        let prefix = match self.role {
            NodeRole::Instrument => "instrument",
            NodeRole::Mediator => "mediator",
            _ => "confounder",
        };
        format!("{prefix}_{}", self.name)
    }
}
