//! The columns of the export: a row a decision.

use ceteris_contract::record::DecisionRecord;
use ceteris_table::{Column, ColumnKind};
use serde_json::{Value, json};

use crate::verbs::decisions::outcomes::Outcomes;

const COLUMNS: [(&str, ColumnKind); 14] = [
    ("decision_id", ColumnKind::Text),
    ("decided_at", ColumnKind::Text),
    ("problem", ColumnKind::Text),
    ("unit", ColumnKind::Text),
    ("model_version", ColumnKind::Text),
    ("policy_digest", ColumnKind::Text),
    ("recommended_treatment", ColumnKind::Text),
    ("propensity", ColumnKind::Number),
    ("expected_outcome", ColumnKind::Number),
    ("reason", ColumnKind::Text),
    ("degraded", ColumnKind::Boolean),
    ("degraded_reasons", ColumnKind::Text),
    ("latency_us", ColumnKind::Number),
    ("distribution", ColumnKind::Text),
];

/// The decision's own columns, then those of the outcomes.
pub(super) fn columns(outcomes: &Outcomes) -> Vec<Column> {
    let own = COLUMNS.into_iter().map(|(name, kind)| Column::new(name, kind));
    let outcomes = outcomes
        .columns
        .iter()
        .map(|name| Column::new(name, ColumnKind::Number));
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
