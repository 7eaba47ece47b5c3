//! The policy part: what turns effects into actions.

use serde::Serialize;

use super::unless;
use crate::problem::{
    Arm, Comparison, Condition, FallbackRule, Outcome, Policy, Problem, Treatment, defaults,
};
use crate::value::Value;

/// What may change without training again.
#[derive(Debug, PartialEq, Serialize)]
pub struct PolicyPart<'a> {
    /// Every arm with its cost, in file order.
    costs: Vec<(&'a str, f64)>,
    /// The outcomes that weigh something, in file order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    weights: Vec<(&'a str, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    significance_level: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exploration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holdout: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propensity_floor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_significance: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fallback: Vec<RulePart<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct RulePart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<(&'a str, Comparison, &'a Value)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    give: Option<&'a str>,
}

impl<'a> PolicyPart<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let Problem {
            treatments,
            outcomes,
            policy,
            fallback,
            // Of the model part and of the operation part.
            name: _,
            description: _,
            entity: _,
            source: _,
            graph: _,
            features: _,
            effect_basis: _,
            gates: _,
        } = problem;
        let Policy {
            significance_level,
            exploration,
            holdout,
            propensity_floor,
            require_significance,
        } = *policy;
        let costs: Vec<_> = treatments.iter().flat_map(costs).collect();
        let floor = defaults::propensity_floor(exploration, costs.len());
        PolicyPart {
            costs,
            weights: outcomes.iter().filter_map(weight).collect(),
            significance_level: unless(significance_level, defaults::SIGNIFICANCE_LEVEL),
            exploration: unless(exploration, defaults::EXPLORATION),
            holdout: unless(holdout, defaults::HOLDOUT),
            propensity_floor: unless(propensity_floor, floor),
            require_significance: unless(require_significance, false),
            fallback: fallback.iter().map(rule).collect(),
        }
    }
}

fn costs(treatment: &Treatment) -> impl Iterator<Item = (&str, f64)> {
    let Treatment {
        arms,
        name: _,
        node: _,
        kind: _,
        from: _,
        washout: _,
    } = treatment;
    arms.iter().map(|Arm { id, dose: _, cost }| (id.as_str(), *cost))
}

fn weight(outcome: &Outcome) -> Option<(&str, f64)> {
    let Outcome {
        name,
        weight,
        node: _,
        from: _,
        direction: _,
        primary: _,
    } = outcome;
    Some((name.as_str(), unless(*weight, 0.0)?))
}

fn rule(rule: &FallbackRule) -> RulePart<'_> {
    let FallbackRule { when, give } = rule;
    let when = when
        .as_ref()
        .map(|Condition { feature, op, value }| (feature.as_str(), *op, value));
    RulePart {
        when,
        give: give.as_deref(),
    }
}
