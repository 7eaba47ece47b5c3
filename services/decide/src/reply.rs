//! The reply on the wire: the fields of `DecideReply`, written from borrowed parts so that nothing is copied first.

use std::collections::BTreeMap;

use axum::body::Bytes;
use ceteris_contract::decide::EffectReply;
use ceteris_contract::record::Decision;
use ceteris_contract::time::Timestamp;
use serde::Serialize;

/// What stands in a reply beside the decision.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Names the decision.
    pub decision_id: &'a str,
    /// As in the request.
    pub user_id: &'a str,
    /// The significance level in force.
    pub confidence_threshold: f64,
    /// The decision instant.
    pub computed_at: Timestamp,
    /// The model that was used.
    pub model_version: Option<&'a str>,
}

#[derive(Serialize)]
struct Reply<'a> {
    decision_id: &'a str,
    user_id: &'a str,
    recommended_treatment: Option<&'a str>,
    expected_outcome: f64,
    effects: &'a [EffectReply],
    confidence_threshold: f64,
    computed_at: Timestamp,
    model_version: Option<&'a str>,
    propensity: f64,
    distribution: &'a BTreeMap<String, f64>,
    reason: &'a str,
    degraded: bool,
    degraded_reasons: &'a [String],
}

/// The reply's body.
///
/// # Errors
/// None for a decision of finite numbers.
pub fn write_reply(head: &Head<'_>, decision: &Decision) -> serde_json::Result<Bytes> {
    let mut body = Vec::with_capacity(2048);
    let reply = Reply {
        decision_id: head.decision_id,
        user_id: head.user_id,
        recommended_treatment: decision.recommended_treatment.as_deref(),
        expected_outcome: decision.expected_outcome,
        effects: &decision.effects,
        confidence_threshold: head.confidence_threshold,
        computed_at: head.computed_at,
        model_version: head.model_version,
        propensity: decision.propensity,
        distribution: &decision.distribution,
        reason: &decision.reason,
        degraded: decision.degraded,
        degraded_reasons: &decision.degraded_reasons,
    };
    serde_json::to_writer(&mut body, &reply)?;
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ceteris_contract::decide::DecideReply;

    #[test]
    fn it_reads_back_as_the_contracts_reply() {
        let decision = Decision {
            recommended_treatment: Some("arm".into()),
            expected_outcome: 0.25,
            effects: Vec::new(),
            propensity: 0.9,
            distribution: BTreeMap::from([("arm".into(), 0.9), ("none".into(), 0.1)]),
            reason: "effect".into(),
            degraded: true,
            degraded_reasons: vec!["why".into()],
        };
        let head = Head {
            decision_id: "id",
            user_id: "user",
            confidence_threshold: 0.05,
            computed_at: Timestamp(5),
            model_version: Some("p-0123456789ab"),
        };
        let body = write_reply(&head, &decision).unwrap();
        let reply: DecideReply = serde_json::from_slice(&body).unwrap();
        // Field by field the same document, in the same order.
        assert_eq!(serde_json::to_vec(&reply).unwrap(), body);
        assert_eq!(
            (reply.recommended_treatment, reply.propensity),
            (Some("arm".into()), 0.9)
        );
    }
}
