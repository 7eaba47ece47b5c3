//! The decide request and reply, field names as they stand on the wire.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;
use crate::value::Value;

/// Most candidates in one request.
pub const CANDIDATES_MAX: usize = 64;
/// Most context entries in one request.
pub const CONTEXT_MAX: usize = 256;
/// Most decisions in one batch.
pub const BATCH_MAX: usize = 256;

/// `POST /v1/decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecideRequest {
    /// Who is decided for.
    #[schema(example = "user-17")]
    pub user_id: String,
    /// Feature values that override stored ones and add to them: number, string, bool or null by view name.
    #[serde(default)]
    pub context: BTreeMap<String, Value>,
    /// The arms that may be given; not intervening is always one more.
    pub available_treatments: Vec<Candidate>,
    /// A model version; the alias `production` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The problem; may be left out where one is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The decision instant, only where the configuration allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// One arm on offer: `{"treatment_id":"coupon_10pct","type":"coupon","discount_percent":10}`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Candidate {
    /// The arm's id.
    pub treatment_id: String,
    /// The treatment's name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The arm's parameters, for example its dose.
    #[serde(flatten)]
    #[schema(additional_properties = true)]
    pub parameters: BTreeMap<String, Value>,
}

/// By hand: a derived flattened map first copies every field of the object.
impl<'de> Deserialize<'de> for Candidate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CandidateVisitor)
    }
}

struct CandidateVisitor;

impl<'de> Visitor<'de> for CandidateVisitor {
    type Value = Candidate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with treatment_id and type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Candidate, A::Error> {
        let (mut treatment_id, mut kind) = (None, None);
        let mut parameters = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let repeated = match name.as_str() {
                "treatment_id" => treatment_id.replace(map.next_value::<String>()?).is_some(),
                "type" => kind.replace(map.next_value::<String>()?).is_some(),
                _ => {
                    parameters.insert(name, map.next_value::<Value>()?);
                    continue;
                }
            };
            if repeated {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
        }
        Ok(Candidate {
            treatment_id: treatment_id.ok_or_else(|| A::Error::missing_field("treatment_id"))?,
            kind: kind.ok_or_else(|| A::Error::missing_field("type"))?,
            parameters,
        })
    }
}

/// `200` of `POST /v1/decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecideReply {
    /// Names the decision in every log; give it with the treatment event.
    pub decision_id: String,
    /// As in the request.
    pub user_id: String,
    /// The arm to give; null: give nothing.
    pub recommended_treatment: Option<String>,
    /// The recommended arm's effect on the primary outcome; 0 when none is given or it is not known.
    pub expected_outcome: f64,
    /// One entry per candidate, in the request's order.
    pub effects: Vec<EffectReply>,
    /// The significance level in force.
    pub confidence_threshold: f64,
    /// The decision instant.
    #[schema(value_type = String, format = DateTime)]
    pub computed_at: Timestamp,
    /// The model that was used; null without one.
    pub model_version: Option<String>,
    /// Probability with which this policy gives this arm in this context.
    pub propensity: f64,
    /// The whole action distribution by arm id; `none` is not intervening. Sums to 1.
    pub distribution: BTreeMap<String, f64>,
    /// Why this arm: `effect`, `exploration`, `holdout`, `no_arm_beats_its_cost`, `fallback`.
    pub reason: String,
    /// True where the decision rests on less than it should.
    pub degraded: bool,
    /// Why, as stable codes.
    pub degraded_reasons: Vec<String>,
}

/// The effect of one candidate for this unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectReply {
    /// The candidate.
    pub treatment_id: String,
    /// tau(x) on the primary outcome against control; null where none is served.
    pub estimated_effect: Option<f64>,
    /// Its interval at level 1 − `confidence_threshold`.
    pub confidence_interval: Option<[f64; 2]>,
    /// Its standard error.
    pub std_error: Option<f64>,
    /// Two-sided p-value of no effect.
    pub p_value: Option<f64>,
    /// p_value < confidence_threshold.
    pub significant: bool,
    /// The unit lies where the training data has rows of this arm and of control.
    pub in_support: bool,
    /// Effects on every outcome by name, the primary one included.
    pub outcomes: BTreeMap<String, OutcomeEffect>,
    /// What giving it costs.
    pub cost: Option<f64>,
    /// Objective minus cost, in currency; null where the effect is not known.
    pub net_value: Option<f64>,
    /// Why there is no effect: `unknown_treatment`, `parameters_mismatch`, `not_identified`,
    /// `unit_effect_unavailable`, `no_model`, `features_unavailable`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// The effect on one outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeEffect {
    /// tau(x) on this outcome.
    pub estimated_effect: f64,
    /// Its interval.
    pub confidence_interval: [f64; 2],
    /// Its standard error.
    pub std_error: f64,
}

/// `POST /v1/decide/batch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchRequest {
    /// Requests, at most 256.
    pub requests: Vec<DecideRequest>,
}

/// `200` of `POST /v1/decide/batch`: one result per request, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchReply {
    /// A reply or a problem each.
    pub results: Vec<BatchResult>,
}

/// The result of one request of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// It was decided.
    Decided(Box<DecideReply>),
    /// It was refused.
    Refused(crate::error::Problem),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_keeps_its_parameters_and_refuses_what_is_missing_or_given_twice() {
        let text = r#"{"discount_percent":10,"treatment_id":"coupon_10pct","note":null,"type":"coupon"}"#;
        let candidate: Candidate = serde_json::from_str(text).unwrap();
        assert_eq!(
            (candidate.treatment_id.as_str(), candidate.kind.as_str()),
            ("coupon_10pct", "coupon")
        );
        assert_eq!(candidate.parameters["discount_percent"], Value::Number(10.0));
        assert_eq!(candidate.parameters["note"], Value::Null);
        let again: Candidate = serde_json::from_str(&serde_json::to_string(&candidate).unwrap()).unwrap();
        assert_eq!(again, candidate);
        for (text, fault) in [
            (r#"{"type":"coupon"}"#, "missing field `treatment_id`"),
            (r#"{"treatment_id":"a"}"#, "missing field `type`"),
            (
                r#"{"treatment_id":"a","type":"b","type":"c"}"#,
                "duplicate field `type`",
            ),
            (
                r#"{"treatment_id":"a","type":"b","c":[1]}"#,
                "a number, string, bool or null",
            ),
            ("[]", "an object with treatment_id and type"),
        ] {
            let error = serde_json::from_str::<Candidate>(text).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }
}
