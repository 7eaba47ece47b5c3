//! `policy`, `fallback` and `gates`, each with defaults.

use crate::problem::fault::{Faults, Mark};
use crate::problem::fields::Fields;
use crate::problem::node::{Kind, Node, shorten};
use crate::problem::{Comparison, Condition, FallbackRule, Gates, Policy, defaults};
use crate::value::Value;

// Longer signs first: `>=` begins with `>`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Eq),
    ("!=", Comparison::Ne),
    ("<=", Comparison::Le),
    (">=", Comparison::Ge),
    ("<", Comparison::Lt),
    (">", Comparison::Gt),
];

/// Reads `policy` of a problem with so many arms besides control.
pub(super) fn read(node: Option<&Node>, arms: usize, faults: &mut Faults) -> Policy {
    let mut policy = Policy {
        significance_level: defaults::SIGNIFICANCE_LEVEL,
        exploration: defaults::EXPLORATION,
        holdout: defaults::HOLDOUT,
        propensity_floor: 0.0,
        require_significance: false,
    };
    let mut floor = None;
    if let Some(mut fields) = node.and_then(|node| Fields::of(node, "policy", faults)) {
        policy.significance_level = fields
            .number("significance_level", faults)
            .unwrap_or(policy.significance_level);
        policy.exploration = fields.number("exploration", faults).unwrap_or(policy.exploration);
        policy.holdout = fields.number("holdout", faults).unwrap_or(policy.holdout);
        floor = fields.number("propensity_floor", faults);
        policy.require_significance = fields.flag("require_significance", faults).unwrap_or(false);
        fields.finish(faults);
    }
    policy.propensity_floor = floor.unwrap_or_else(|| defaults::propensity_floor(policy.exploration, arms));
    policy
}

/// Reads `gates`.
pub(super) fn gates(node: Option<&Node>, faults: &mut Faults) -> Gates {
    let mut gates = defaults::GATES;
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "gates", faults)) else {
        return gates;
    };
    if let Some(rows) = fields.number("rows_per_arm_min", faults) {
        if rows < 2.0 || rows.fract() != 0.0 || rows > 1e9 {
            faults.add(
                &fields.at("rows_per_arm_min"),
                "must be a whole number from 2 on",
                "write for example 50",
            );
        } else {
            gates.rows_per_arm_min = rows as u64;
        }
    }
    gates.propensity_clip = fields
        .number("propensity_clip", faults)
        .unwrap_or(gates.propensity_clip);
    gates.clipped_share_max = fields
        .number("clipped_share_max", faults)
        .unwrap_or(gates.clipped_share_max);
    gates.missing_share_max = fields
        .number("missing_share_max", faults)
        .unwrap_or(gates.missing_share_max);
    fields.finish(faults);
    gates
}

/// Reads `fallback`, rules in order.
pub(super) fn fallback(node: Option<&Node>, faults: &mut Faults) -> Vec<FallbackRule> {
    let Some(node) = node else { return Vec::new() };
    match &node.kind {
        Kind::List(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| rule(item, &format!("fallback[{i}]"), faults))
            .collect(),
        _ if node.is_null() => Vec::new(),
        _ => {
            faults.at(
                node.mark,
                "fallback",
                "must be a list of rules",
                "write one `- { when: .., give: .. }` a line",
            );
            Vec::new()
        }
    }
}

fn rule(node: &Node, path: &str, faults: &mut Faults) -> FallbackRule {
    faults.mark(path, node.mark);
    let mut rule = FallbackRule {
        when: None,
        give: None,
    };
    let Some(mut fields) = Fields::of(node, path, faults) else {
        return rule;
    };
    if let Some(when) = fields.get("when") {
        rule.when = condition(when, &fields.at("when"), when.mark, faults);
    }
    if let Some(give) = fields.need("give", "none  # or the id of an arm", faults)
        && !give.is_null()
    {
        rule.give = fields.text("give", faults).filter(|arm| arm != "none");
    }
    fields.finish(faults);
    rule
}

/// Reads `feature >= constant`.
fn condition(node: &Node, path: &str, mark: Mark, faults: &mut Faults) -> Option<Condition> {
    let parsed = match &node.kind {
        Kind::Scalar { text, .. } => parse_condition(text, mark),
        _ => None,
    };
    if parsed.is_none() {
        let problem = match &node.kind {
            Kind::Scalar { text, .. } => format!("`{}` is no comparison", shorten(text)),
            _ => format!("must be a comparison, found {}", node.describe()),
        };
        faults.at(
            mark,
            path,
            problem,
            "write a view, one of == != < <= > >=, and a constant: `recency > 6`",
        );
    }
    parsed
}

fn parse_condition(text: &str, mark: Mark) -> Option<Condition> {
    let start = text.find(['=', '!', '<', '>'])?;
    let (sign, op) = COMPARISONS
        .iter()
        .find(|(sign, _)| text[start..].starts_with(sign))?;
    let constant = text[start + sign.len()..].trim();
    let quoted = ['"', '\'']
        .iter()
        .find_map(|q| constant.strip_prefix(*q)?.strip_suffix(*q));
    let (text_of_it, plain) = quoted.map_or((constant, true), |inner| (inner, false));
    let scalar = Node {
        mark,
        kind: Kind::Scalar {
            text: text_of_it.to_owned(),
            plain,
        },
    };
    let value = scalar.value().filter(|v| *v != Value::Null)?;
    let feature = text[..start].trim();
    (!feature.is_empty()).then(|| Condition {
        feature: feature.to_owned(),
        op: *op,
        value,
    })
}
