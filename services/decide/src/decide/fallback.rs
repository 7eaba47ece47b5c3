//! The rules that decide where no confident effect is at hand.

use ceteris_contract::problem::{Comparison, Condition, FallbackRule};
use ceteris_contract::record::{Feature, Origin};
use ceteris_contract::value::Value;

/// The arm of the first rule that matches and that may be given; `None` is no treatment. A rule whose arm is not on
/// offer is passed over, so that the next one may match.
pub fn fallback_arm<'a>(
    rules: &'a [FallbackRule],
    features: &[Feature],
    offered: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let matches = |rule: &&FallbackRule| {
        rule.give.as_deref().is_none_or(&offered)
            && rule
                .when
                .as_ref()
                .is_none_or(|condition| holds(condition, features))
    };
    rules.iter().find(matches).and_then(|rule| rule.give.as_deref())
}

/// An unknown feature never matches, whatever the comparison; nor does one that cannot be compared with the constant.
fn holds(condition: &Condition, features: &[Feature]) -> bool {
    let feature = features
        .iter()
        .find(|f| f.name == condition.feature && f.origin != Origin::Unknown);
    let Some(value) = feature.map(|f| &f.value).filter(|value| !value.is_null()) else {
        return false;
    };
    if let (Some(x), Value::Number(constant)) = (value.as_number(), &condition.value) {
        return match condition.op {
            Comparison::Eq => x == *constant,
            Comparison::Ne => x != *constant,
            Comparison::Lt => x < *constant,
            Comparison::Le => x <= *constant,
            Comparison::Gt => x > *constant,
            Comparison::Ge => x >= *constant,
        };
    }
    let same = value.as_category() == condition.value.as_category();
    match condition.op {
        Comparison::Eq => same,
        Comparison::Ne => !same,
        // Categories have no order.
        Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(when: Option<(&str, Comparison, Value)>, give: Option<&str>) -> FallbackRule {
        let when = when.map(|(feature, op, value)| Condition {
            feature: feature.to_owned(),
            op,
            value,
        });
        FallbackRule {
            when,
            give: give.map(str::to_owned),
        }
    }

    fn feature(name: &str, value: Value, origin: Origin) -> Feature {
        Feature {
            name: name.to_owned(),
            value,
            origin,
        }
    }

    #[test]
    fn the_first_rule_that_matches_and_is_offered_gives() {
        let rules = [
            rule(Some(("spend", Comparison::Gt, 500.0.into())), Some("gold")),
            rule(Some(("spend", Comparison::Gt, 100.0.into())), Some("silver")),
            rule(None, None),
            rule(None, Some("never")),
        ];
        let spend = |x: f64| [feature("spend", x.into(), Origin::Stored)];
        let all = |_: &str| true;
        assert_eq!(fallback_arm(&rules, &spend(600.0), all), Some("gold"));
        assert_eq!(
            fallback_arm(&rules, &spend(600.0), |arm| arm != "gold"),
            Some("silver")
        );
        assert_eq!(fallback_arm(&rules, &spend(500.0), all), Some("silver"));
        assert_eq!(fallback_arm(&rules, &spend(1.0), all), None);
        assert_eq!(fallback_arm(&[], &spend(1.0), all), None);
    }

    #[test]
    fn unknown_features_and_comparisons_without_sense_never_match() {
        use Comparison::{Eq, Ge, Lt, Ne};
        let unknown = [feature("tier", "gold".into(), Origin::Unknown)];
        let text = [feature("tier", "gold".into(), Origin::Context)];
        let flag = [feature("tier", Value::Bool(true), Origin::Context)];
        for (op, value, features, expected) in [
            (Eq, Value::from("gold"), &unknown, false),
            (Ne, Value::from("silver"), &unknown, false),
            (Eq, Value::from("gold"), &text, true),
            (Ne, Value::from("gold"), &text, false),
            (Lt, Value::from("hold"), &text, false),
            (Ge, Value::from(1.0), &text, false),
            (Eq, Value::from(1.0), &flag, true),
            (Eq, Value::from("true"), &flag, true),
        ] {
            let rules = [rule(Some(("tier", op, value.clone())), Some("arm"))];
            assert_eq!(
                fallback_arm(&rules, features, |_| true).is_some(),
                expected,
                "{op:?} {value:?}"
            );
        }
    }
}
