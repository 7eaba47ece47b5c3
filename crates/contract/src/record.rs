//! The decision record: everything `decide` was given and what it answered. Replay reads nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decide::{Candidate, EffectReply};
use crate::identity::Unit;
use crate::problem::{Direction, FallbackRule, Policy};
use crate::time::Timestamp;
use crate::value::Value;

/// Version of the record's layout.
pub const DECISION_SCHEMA_VERSION: &str = "1";
/// The arm id of not intervening.
pub const NONE_ARM: &str = "none";

/// One logged decision, the payload of `causal_decisions` (the record's key is the plain user id).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Layout version.
    pub schema_version: String,
    /// Unique; a UUIDv7, or derived from the idempotency key.
    pub decision_id: String,
    /// The decision instant.
    pub decided_at: Timestamp,
    /// The problem's name.
    pub problem: String,
    /// Whom it was for.
    pub unit: Unit,
    /// All that `decide` read.
    pub inputs: Inputs,
    /// All that it answered.
    pub decision: Decision,
    /// From request read to decision made, in microseconds.
    pub latency_us: u64,
}

/// All that a decision depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The decision instant.
    pub at: Timestamp,
    /// The candidates as requested.
    pub candidates: Vec<Candidate>,
    /// Merged features, in the problem's order, then those of the context that no view names.
    pub features: Vec<Feature>,
    /// One entry per candidate, in order.
    pub effects: Vec<CandidateEffects>,
    /// The model; none without one.
    pub model: Option<ServedModel>,
    /// Digest of the policy part in force.
    pub policy_digest: String,
    /// The policy in force.
    pub policy: Policy,
    /// The fallback rules in force.
    pub fallback: Vec<FallbackRule>,
    /// The outcomes' part in the objective.
    pub outcomes: Vec<OutcomeWeight>,
    /// What is known to be amiss, as stable codes (`features_unavailable`, `no_model`).
    pub switches: Vec<String>,
    /// Derived from the decision id.
    pub seed: u64,
}

/// The served model by name and content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServedModel {
    /// `<problem>-<12 hex>`.
    pub version: String,
    /// The artifact's digest.
    pub digest: String,
    /// Digest of the online delta on top of it; none without one.
    #[serde(default)]
    pub online_delta: Option<String>,
}

/// One outcome in the objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeWeight {
    /// Its name.
    pub name: String,
    /// Currency per unit.
    pub weight: f64,
    /// Which way is good.
    pub direction: Direction,
    /// The one `estimated_effect` is about.
    pub primary: bool,
}

/// One feature as used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The view's name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a feature's value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The feature store.
    Stored,
    /// The request's context.
    Context,
    /// The view's default: the unit is new, or the view has seen no event.
    Default,
    /// It could not be had.
    Unknown,
}

/// What the model says of one candidate for this unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateEffects {
    /// The arm.
    pub treatment_id: String,
    /// What giving it costs; none where the problem does not know it.
    pub cost: Option<f64>,
    /// Effect and standard error by outcome; empty where none is served.
    pub outcomes: BTreeMap<String, PointEffect>,
    /// The unit lies where the training data has rows.
    pub in_support: bool,
    /// Why there is no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// tau(x) and its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointEffect {
    /// tau(x).
    pub effect: f64,
    /// Its standard error.
    pub std_error: f64,
}

/// What `decide` answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The arm to give; none: nothing.
    pub recommended_treatment: Option<String>,
    /// Its effect on the primary outcome; 0 where none is given or known.
    pub expected_outcome: f64,
    /// One entry per candidate, in order.
    pub effects: Vec<EffectReply>,
    /// Probability of the arm given.
    pub propensity: f64,
    /// Probability of every arm, `none` included; sums to 1.
    pub distribution: BTreeMap<String, f64>,
    /// Why this arm.
    pub reason: String,
    /// True where the decision rests on less than it should.
    pub degraded: bool,
    /// Why, as stable codes.
    pub degraded_reasons: Vec<String>,
}
