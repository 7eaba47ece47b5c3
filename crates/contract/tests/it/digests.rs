//! The three parts of a problem: every key is in one of them, a key at its default in none, and manifests made before
//! there were parts are still told apart as they were.

use std::collections::{BTreeMap, BTreeSet};

use ceteris_contract::problem::Problem;
use proptest::prelude::*;
use serde_json::json;

use crate::{ECOMMERCE, HILLSTROM, read};

/// Digests of model part and gates in one form, as the last program that pinned them printed them
/// (`ceteris problem check FILE --format json` of version 0.1.0).
const ONE_FORM: [(&str, &str); 4] = [
    (
        ECOMMERCE,
        "84c4cec8c4a57bc2b414cb0413d9361bd4491c02721b67a863d55903f06d9f83",
    ),
    (
        HILLSTROM,
        "b248777f6b5d1e7c4c580a966415ad98ff0db8a42afcd6f6bee15543fd95ab1f",
    ),
    (
        include_str!("full.yaml"),
        "59809677517ef7e5f3da466775818c7e2ba24186ec4f8e1e5182b225e0a77ec0",
    ),
    (
        include_str!("table.yaml"),
        "5d6cc686ff53ef9757b468621b1c9d379ef9c287a9525de9f14031c3b181dee5",
    ),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Model,
    Policy,
    Operation,
    /// Words for people.
    None,
}

/// A key of a problem file that may be left out: its place in the template, its part, a line with its default, and one
/// with another value, where another is possible by itself.
type Key = (&'static str, Part, &'static str, &'static str);

const EVENTS: &str = "
problem: shop
<entity>
<description>
source:
  events:
    opportunity: [cart_viewed]
    <attribution>
    <lateness>
    <controls>
graph:
  nodes:
    coupon: { role: treatment, <node description> }
    bought: { role: outcome }
    paid: { role: outcome }
    taste: { role: confounder, measured_by: [visits, tier, spend] }
  edges: [taste -> coupon -> bought -> paid, taste -> bought, <latent cause>]
features:
  visits: { aggregate: count, event: visit, window: 30d, <bucket>, <kind>, <default>, <optional> }
  tier: { aggregate: last, event: profile, property: tier, kind: categorical, window: 2d, default: gold, <ttl> }
  spend: { aggregate: sum, event: purchase, property: amount, window: 90m, <minute bucket> }
treatments:
  coupon: { event: coupon_shown, washout: 7d, cost: 1, <treatment node>, <treatment kind> }
outcomes:
  bought: { primary: true, aggregate: any, event: purchase, window: 7d, weight: 10, <outcome node> }
  paid: { aggregate: sum, event: purchase, property: amount, window: 7d, <weight>, <direction>, <primary> }
effect_basis: [visits]
policy: { <significance>, <exploration>, <holdout>, <floor>, <require> }
<fallback>
gates: { <rows>, <clip>, <clipped>, <missing> }
";

const EVENTS_KEYS: &[Key] = &[
    ("entity", Part::Model, "entity: user", "entity: shopper"),
    (
        "description",
        Part::None,
        "description: ''",
        "description: Offers",
    ),
    ("attribution", Part::Model, "attribution: 5m", "attribution: 6m"),
    ("lateness", Part::Model, "lateness: 1h", "lateness: 2h"),
    (
        "controls",
        Part::Model,
        "controls_per_treated: 3",
        "controls_per_treated: 4",
    ),
    (
        "node description",
        Part::None,
        "description: ''",
        "description: An offer",
    ),
    ("latent cause", Part::Model, "", "taste <-> paid"),
    ("bucket", Part::Model, "bucket: 1h", "bucket: 1d"),
    ("kind", Part::Model, "kind: numeric", ""),
    ("default", Part::Model, "default: 0", "default: 1"),
    ("optional", Part::Model, "optional: false", "optional: true"),
    ("ttl", Part::Model, "ttl: 49h", "ttl: 50h"),
    ("minute bucket", Part::Model, "bucket: 1m", "bucket: 30m"),
    ("treatment node", Part::Model, "node: coupon", ""),
    ("treatment kind", Part::Model, "kind: binary", "kind: categorical"),
    ("outcome node", Part::Model, "node: bought", ""),
    ("weight", Part::Policy, "weight: 0", "weight: 2"),
    ("direction", Part::Model, "direction: maximise", ""),
    ("primary", Part::Model, "primary: false", ""),
    (
        "significance",
        Part::Policy,
        "significance_level: 0.05",
        "significance_level: 0.1",
    ),
    (
        "exploration",
        Part::Policy,
        "exploration: 0.05",
        "exploration: 0.2",
    ),
    ("holdout", Part::Policy, "holdout: 0.05", "holdout: 0.1"),
    (
        "floor",
        Part::Policy,
        "propensity_floor: 0.01",
        "propensity_floor: 0.02",
    ),
    (
        "require",
        Part::Policy,
        "require_significance: false",
        "require_significance: true",
    ),
    (
        "fallback",
        Part::Policy,
        "fallback: []",
        "fallback: [{ when: visits > 2, give: coupon }]",
    ),
    (
        "rows",
        Part::Operation,
        "rows_per_arm_min: 50",
        "rows_per_arm_min: 51",
    ),
    (
        "clip",
        Part::Model,
        "propensity_clip: 0.01",
        "propensity_clip: 0.02",
    ),
    (
        "clipped",
        Part::Operation,
        "clipped_share_max: 0.1",
        "clipped_share_max: 0.3",
    ),
    (
        "missing",
        Part::Operation,
        "missing_share_max: 0.2",
        "missing_share_max: 0.3",
    ),
];

const TABLE: &str = "
problem: trial
source: { table: { <unit> } }
graph:
  nodes:
    call: { role: treatment }
    churn: { role: outcome }
    age: { role: confounder, measured_by: [age] }
  edges: [age -> call -> churn, age -> churn]
features:
  age: { <column>, <default> }
treatments:
  call: { column: called, control: no, arms: { one: { <dose>, cost: 1 }, two: { cost: 2 } } }
outcomes:
  churn: { <outcome column>, primary: true, weight: -20, <direction> }
effect_basis: []
";

const TABLE_KEYS: &[Key] = &[
    ("unit", Part::Model, "", "unit: customer"),
    ("column", Part::Model, "column: age", "column: years"),
    ("default", Part::Model, "default: null", "default: 40"),
    ("dose", Part::Model, "dose: one", "dose: uno"),
    ("outcome column", Part::Model, "column: churn", "column: left"),
    ("direction", Part::Model, "direction: minimise", ""),
];

/// How a key stands in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Absent,
    AtDefault,
    Otherwise,
}

fn file(template: &str, keys: &[Key], stands: &[Stands]) -> Problem {
    let mut text = template.to_owned();
    for ((place, _, default, other), stands) in keys.iter().zip(stands) {
        let line = match stands {
            Stands::AtDefault => default,
            // What cannot be otherwise by itself stays at its default.
            Stands::Otherwise if other.is_empty() => default,
            Stands::Otherwise => other,
            Stands::Absent => "",
        };
        text = text.replace(&format!("<{place}>"), line);
    }
    // Empty places of one-line lists and mappings.
    while text.contains(", ,") || text.contains("{ ,") || text.contains(", }") || text.contains(", ]") {
        for (from, to) in [(", ,", ","), ("{ ,", "{"), (", }", " }"), (", ]", "]")] {
            text = text.replace(from, to);
        }
    }
    read(&text)
}

fn digests(problem: &Problem) -> [(Part, String); 3] {
    [
        (Part::Model, problem.model_digest()),
        (Part::Policy, problem.policy_digest()),
        (Part::Operation, problem.operation_digest()),
    ]
}

const FILES: [(&str, &[Key]); 2] = [(EVENTS, EVENTS_KEYS), (TABLE, TABLE_KEYS)];

#[test]
fn a_key_at_its_default_moves_no_digest_and_any_other_value_only_that_of_its_part() {
    for (template, keys) in FILES {
        let absent = vec![Stands::Absent; keys.len()];
        let base = digests(&file(template, keys, &absent));
        for (i, (place, part, _, other)) in keys.iter().enumerate() {
            let mut stands = absent.clone();
            stands[i] = Stands::AtDefault;
            assert_eq!(
                digests(&file(template, keys, &stands)),
                base,
                "{place} at its default"
            );
            if other.is_empty() {
                continue;
            }
            stands[i] = Stands::Otherwise;
            for ((of, after), (_, before)) in digests(&file(template, keys, &stands)).iter().zip(&base) {
                assert_eq!(after != before, of == part, "{place} changed, {of:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_part_has_one_digest_for_each_content_whatever_stands_in_the_others(
        rows in prop::collection::vec(prop::collection::vec(0u8..3, EVENTS_KEYS.len()), 8),
    ) {
        for (template, keys) in FILES {
            // By part: the digest of each content seen.
            let mut seen = [const { BTreeMap::new() }; 3];
            for row in &rows {
                let stands: Vec<Stands> = row
                    .iter()
                    .take(keys.len())
                    .map(|n| [Stands::Absent, Stands::AtDefault, Stands::Otherwise][usize::from(*n)])
                    .collect();
                // Keys at their default may as well be absent, and keys of other parts are not seen.
                let changed = |part: Part| -> Vec<bool> {
                    keys.iter()
                        .zip(&stands)
                        .filter(|((_, of, _, other), _)| *of == part && !other.is_empty())
                        .map(|(_, stands)| *stands == Stands::Otherwise)
                        .collect()
                };
                let found = digests(&file(template, keys, &stands));
                for ((part, digest), seen) in found.into_iter().zip(&mut seen) {
                    let known: &mut String = seen.entry(changed(part)).or_insert_with(|| digest.clone());
                    prop_assert_eq!(known, &digest, "{:?}", part);
                }
            }
            for seen in &seen {
                let distinct: BTreeSet<&String> = seen.values().collect();
                prop_assert_eq!(distinct.len(), seen.len(), "two contents have one digest");
            }
        }
    }
}

#[test]
fn a_part_holds_the_keys_that_are_not_at_their_default() {
    let absent = vec![Stands::Absent; EVENTS_KEYS.len()];
    let plain = file(EVENTS, EVENTS_KEYS, &absent);
    assert_eq!(
        serde_json::to_value(plain.policy_part()).unwrap(),
        json!({"costs": [["coupon", 1.0]], "weights": [["bought", 10.0]]})
    );
    assert_eq!(serde_json::to_value(plain.operation_part()).unwrap(), json!({}));
    let model = serde_json::to_string_pretty(&plain.model_part()).unwrap();
    insta::assert_snapshot!("model_part_at_defaults", model);
    let full = read(include_str!("full.yaml"));
    let parts = [
        serde_json::to_string_pretty(&full.model_part()),
        serde_json::to_string_pretty(&full.policy_part()),
        serde_json::to_string_pretty(&full.operation_part()),
    ];
    let parts = parts.map(Result::unwrap).join("\n");
    insta::assert_snapshot!("parts_of_a_full_file", parts);
}

#[test]
fn the_one_form_is_what_it_was_and_both_digests_are_known() {
    for (text, one_form) in ONE_FORM {
        let problem = read(text);
        let digests = problem.model_digests();
        assert_eq!(digests.one_form, one_form, "{}", problem.name);
        assert_eq!(digests.current, problem.model_digest());
        assert!(digests.has(&digests.current) && digests.has(one_form));
        assert!(!digests.has(&problem.policy_digest()) && !digests.has(""));
    }
}

#[test]
fn a_gate_moves_the_one_form_as_it_always_did_and_a_policy_key_does_not() {
    let base = read(ECOMMERCE).model_digests();
    let with = |from: &str, to: &str| {
        assert!(ECOMMERCE.contains(from), "{from}");
        read(&ECOMMERCE.replacen(from, to, 1)).model_digests()
    };
    let gate = with("rows_per_arm_min: 10", "rows_per_arm_min: 11");
    assert!(gate.has(&base.current) && !gate.has(&base.one_form));
    for (from, to) in [
        ("holdout: 0.05", "holdout: 0.05\n  require_significance: true"),
        ("weight: 100", "weight: 90"),
        ("cost: 3", "cost: 4"),
        (">= 0.8", ">= 0.7"),
    ] {
        assert_eq!(with(from, to), base, "{from}");
    }
}

/// What is published and logged under these digests must stay comparable: no change may move them.
#[test]
fn the_digests_of_the_shipped_files_stay() {
    let lines: Vec<String> = [ECOMMERCE, HILLSTROM]
        .map(read)
        .iter()
        .flat_map(|problem| {
            digests(problem).map(|(part, digest)| format!("{} {part:?} {digest}", problem.name))
        })
        .collect();
    let lines = lines.join("\n");
    insta::assert_snapshot!("digests_of_the_shipped_files", lines);
}
