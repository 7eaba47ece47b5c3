//! Rows from our own decisions: the arm recommended, the features it was decided on, and its true propensity.

use std::collections::BTreeSet;

use ceteris_contract::event::{StoredEvent, property};
use ceteris_contract::identity::Unit;
use ceteris_contract::record::{DecisionRecord, Origin};
use ceteris_contract::time::Timestamp;
use ceteris_contract::value::Value;
use ceteris_features::stable_hash;
use ceteris_lake::{DecisionRow, Snapshot};

use crate::error::EtlError;
use crate::spec::Spec;

/// The property by which a treatment event names the decision that caused it.
const DECISION_ID: &str = "decision_id";

/// The problem's decisions of a bucket as they landed.
pub(crate) async fn read(
    snapshot: &Snapshot<DecisionRow>,
    problem: &str,
    bucket: u16,
) -> Result<Vec<DecisionRow>, EtlError> {
    let mut rows = snapshot.read_bucket(bucket).await?;
    rows.retain(|row| row.problem == problem);
    Ok(rows)
}

/// Drops repeats, of which the first to arrive counts, and sorts by (unit, instant, id).
pub(crate) fn in_order(mut rows: Vec<DecisionRow>) -> Vec<DecisionRow> {
    let text = |row: &DecisionRow| stable_hash(row.payload.as_bytes());
    rows.sort_by(|a, b| {
        (&a.decision_id, a.arrived_at, a.ts, a.unit, text(a)).cmp(&(
            &b.decision_id,
            b.arrived_at,
            b.ts,
            b.unit,
            text(b),
        ))
    });
    rows.dedup_by(|b, a| a.decision_id == b.decision_id);
    rows.sort_by(|a, b| (a.unit.key, a.ts, &a.decision_id).cmp(&(b.unit.key, b.ts, &b.decision_id)));
    rows
}

/// What an opportunity must know of its unit's decisions.
#[derive(Debug)]
pub(crate) struct Decided<'a> {
    instants: Vec<Timestamp>,
    ids: BTreeSet<&'a str>,
}

impl<'a> Decided<'a> {
    /// Of one unit's decisions, in order of time.
    pub(crate) fn of(decisions: &'a [DecisionRow]) -> Self {
        Decided {
            instants: decisions.iter().map(|row| row.ts).collect(),
            ids: decisions.iter().map(|row| row.decision_id.as_str()).collect(),
        }
    }

    /// Whether a decision was made within the attribution of `t`, before or after: the client may log the opportunity
    /// first or ask for the decision first.
    pub(crate) fn near(&self, spec: &Spec, t: Timestamp) -> bool {
        let after = self
            .instants
            .partition_point(|at| *at <= t.minus(spec.attribution));
        self.instants
            .get(after)
            .is_some_and(|at| *at < t.plus(spec.attribution))
    }

    /// Whether one of these decisions caused the treatment event.
    pub(crate) fn caused(&self, event: &StoredEvent) -> bool {
        !self.ids.is_empty() && decision_of(event).is_some_and(|id| self.ids.contains(id))
    }
}

fn decision_of(event: &StoredEvent) -> Option<&str> {
    property(&event.properties, DECISION_ID)?.as_str()
}

/// A decision as a row shows it.
#[derive(Debug)]
pub(crate) struct LoggedRow {
    pub(crate) id: String,
    pub(crate) unit: Unit,
    pub(crate) t: Timestamp,
    /// By view, as it was used; null where it was not known.
    pub(crate) features: Vec<Value>,
    /// By treatment: the arm recommended.
    pub(crate) arms: Vec<Option<String>>,
    /// By treatment: the probability of what was recommended of it, its arm or none of its arms.
    pub(crate) propensities: Vec<f64>,
    /// By treatment: 1 if an event says that the recommended arm was given, 0 if none does.
    pub(crate) exposures: Vec<f64>,
}

impl LoggedRow {
    /// `None` if the arm recommended is none of the problem's.
    pub(crate) fn of(
        spec: &Spec,
        row: &DecisionRow,
        events: &[StoredEvent],
    ) -> Result<Option<Self>, EtlError> {
        let record = row.record().map_err(|source| EtlError::Decision {
            decision_id: row.decision_id.clone(),
            source,
        })?;
        let given = record.decision.recommended_treatment.as_deref();
        let arms: Vec<Option<String>> = (spec.treatments.iter())
            .map(|treatment| {
                given
                    .filter(|arm| treatment.arms().any(|a| a == *arm))
                    .map(str::to_owned)
            })
            .collect();
        if given.is_some() && arms.iter().all(Option::is_none) {
            return Ok(None);
        }
        let shown = |event: &str| {
            events
                .iter()
                .any(|e| e.event_type == event && decision_of(e) == Some(row.decision_id.as_str()))
        };
        Ok(Some(LoggedRow {
            id: row.decision_id.clone(),
            unit: row.unit,
            t: row.ts,
            features: spec.views.names().map(|name| feature(&record, name)).collect(),
            propensities: propensities(spec, &record, &arms),
            exposures: (spec.treatments.iter())
                .map(|treatment| f64::from(u8::from(shown(&treatment.event))))
                .collect(),
            arms,
        }))
    }
}

fn feature(record: &DecisionRecord, name: &str) -> Value {
    let used = record.inputs.features.iter().find(|feature| feature.name == name);
    used.filter(|feature| feature.origin != Origin::Unknown)
        .map_or(Value::Null, |feature| feature.value.clone())
}

/// Sums over the logged distribution: of the arm given, or of everything that is no arm of the treatment.
fn propensities(spec: &Spec, record: &DecisionRecord, arms: &[Option<String>]) -> Vec<f64> {
    let distribution = &record.decision.distribution;
    let of = |(treatment, given): (&crate::arms::TreatmentSpec, &Option<String>)| match given {
        Some(arm) => distribution
            .get(arm)
            .copied()
            .unwrap_or(record.decision.propensity),
        None => {
            let others = distribution
                .iter()
                .filter(|(arm, _)| treatment.arms().all(|a| a != arm.as_str()));
            others.map(|(_, probability)| probability).sum::<f64>().min(1.0)
        }
    };
    spec.treatments.iter().zip(arms).map(of).collect()
}
