//! The columns of the export: a row a decision.

use ceteris_contract::record::DecisionRecord;
use serde_json::{Value, json};

use crate::sheet::{Column, Kind};
use crate::verbs::decisions::outcomes::Outcomes;

const COLUMNS: [(&str, Kind); 14] = [
    ("decision_id", Kind::Text),
    ("decided_at", Kind::Text),
    ("problem", Kind::Text),
    ("unit", Kind::Text),
    ("model_version", Kind::Text),
    ("policy_digest", Kind::Text),
    ("recommended_treatment", Kind::Text),
    ("propensity", Kind::Number),
    ("expected_outcome", Kind::Number),
    ("reason", Kind::Text),
    ("degraded", Kind::Truth),
    ("degraded_reasons", Kind::Text),
    ("latency_us", Kind::Number),
    ("distribution", Kind::Text),
];

/// The decision's own columns, then those of the outcomes.
pub(super) fn columns(outcomes: &Outcomes) -> Vec<Column> {
    let own = COLUMNS.into_iter().map(|(name, kind)| Column::new(name, kind));
    let outcomes = outcomes
        .columns
        .iter()
        .map(|name| Column::new(name, Kind::Number));
    own.chain(outcomes).collect()
}

/// The values of a decision, in the order of [`columns`].
pub(super) fn row(record: &DecisionRecord, outcomes: &Outcomes) -> Vec<Value> {
    let decision = &record.decision;
    let own = [
        json!(record.decision_id),
        json!(record.decided_at),
        json!(record.problem),
        json!(record.unit.key),
        json!(record.inputs.model.as_ref().map(|model| &model.version)),
        json!(record.inputs.policy_digest),
        json!(decision.recommended_treatment),
        json!(decision.propensity),
        json!(decision.expected_outcome),
        json!(decision.reason),
        json!(decision.degraded),
        json!(decision.degraded_reasons),
        json!(record.latency_us),
        json!(decision.distribution),
    ];
    let outcomes = outcomes
        .columns
        .iter()
        .map(|column| outcomes.value(&record.decision_id, column));
    own.into_iter().chain(outcomes).collect()
}
