//! Every kind of fault of a problem file: one edit of a clean file each, where it is told and in which words.

use ceteris_contract::problem::{Fault, Problem};

use crate::{ECOMMERCE, HILLSTROM};

/// Replaced text, its replacement, the fault's path, words of its message.
type Edit = (&'static str, &'static str, &'static str, &'static str);

fn check(base: &str, edits: &[Edit]) {
    for (from, to, path, words) in edits {
        let at = base
            .find(from)
            .unwrap_or_else(|| panic!("`{from}` is not in the file"));
        let line = base[..at].matches('\n').count() + 1;
        let edited = base.replacen(from, to, 1);
        let Err(faults) = Problem::from_yaml(&edited) else {
            panic!("`{from}` -> `{to}` passes")
        };
        let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
        let found = faults
            .iter()
            .find(|f| f.path == *path && f.to_string().contains(words));
        let Some(found) = found else {
            panic!(
                "`{from}` -> `{to}`: no `{words}` at {path} in\n{}",
                told.join("\n")
            )
        };
        assert!(!found.fix.is_empty() && found.column.is_some());
        // The line told shows the key at fault or one above it, else it is the line of the edit.
        let shown = edited.lines().nth(found.line - 1).unwrap_or_default();
        let named = path.split(['.', '[']).any(|part| shown.contains(part));
        assert!(named || (line - 1..=line + 1).contains(&found.line), "{found}");
    }
}

#[test]
fn keys_and_types() {
    check(
        ECOMMERCE,
        &[
            (
                "entity: user",
                "entitty: user",
                "entitty",
                "did you mean `entity`?",
            ),
            (
                "    window: 30d\n",
                "    windwo: 30d\n",
                "features.avg_session_duration.windwo",
                "did you mean `window`?",
            ),
            (
                "problem: ecommerce",
                "problem: E Commerce",
                "problem",
                "cannot be the name",
            ),
            ("problem: ecommerce\n", "", "problem", "is missing"),
            (
                "weight: 100",
                "weight: a lot",
                "outcomes.purchase_decision.weight",
                "finite number",
            ),
            (
                "weight: 100",
                "weight: .inf",
                "outcomes.purchase_decision.weight",
                "finite number",
            ),
            (
                "weight: 100",
                "weight: inf",
                "outcomes.purchase_decision.weight",
                "finite number",
            ),
            (
                "weight: 100",
                "weight: \"100\"",
                "outcomes.purchase_decision.weight",
                "without quotes",
            ),
            (
                "primary: true",
                "primary: yes",
                "outcomes.purchase_decision.primary",
                "true or false",
            ),
            (
                "window: 30d",
                "window: 30 days",
                "features.avg_session_duration.window",
                "length of time",
            ),
            (
                "aggregate: avg",
                "aggregate: mean",
                "features.avg_session_duration.aggregate",
                "none of: avg",
            ),
            (
                "    washout: 7d\n    arms",
                "    arms",
                "treatments.coupon.washout",
                "is missing",
            ),
            (
                "  location:                   # m",
                "  user_tier:                   # m",
                "user_tier",
                "given already on line",
            ),
            (
                "opportunity: [cart_viewed]",
                "opportunity: []",
                "source.events.opportunity",
                "names no event",
            ),
            (
                "opportunity: [cart_viewed]",
                "opportunity: { a: b }",
                "source.events.opportunity",
                "list of names",
            ),
            ("  events:\n", "  evnets:\n", "source", "did you mean `events`?"),
            (
                "description: Coupons",
                "description: &a Coupons",
                "$",
                "anchors are not read",
            ),
            (
                "description: Coupons",
                "description: !!str Coupons",
                "$",
                "tags are not read",
            ),
            (
                "  user_tier:                  #",
                "  user tier:                  #",
                "features.user tier",
                "cannot be a name",
            ),
        ],
    );
}

#[test]
fn nodes_and_what_measures_them() {
    let spend = "measured_by: [historical_spend, user_tier]";
    check(
        ECOMMERCE,
        &[
            (
                spend,
                "measured_by: [historical_spend]",
                "features.user_tier",
                "measures no node",
            ),
            (
                spend,
                "measured_by: [historical_spend, user_teir]",
                "graph.nodes.historical_spend.measured_by[1]",
                "did you mean `user_tier`?",
            ),
            (
                spend,
                "measured_by: [historical_spend, user_tier, location]",
                "graph.nodes.location.measured_by[0]",
                "measures `historical_spend` already",
            ),
            (
                "      measured_by: [price_sensitivity]\n",
                "",
                "graph.nodes.price_sensitivity.measured_by",
                "nothing measures this node",
            ),
            (
                "user_intent: { role: latent,",
                "user_intent: { role: latent, measured_by: [location],",
                "graph.nodes.user_intent.measured_by",
                "latent node is measured by nothing",
            ),
            (
                "user_intent: { role: latent,",
                "user_intent: { role: ghost,",
                "graph.nodes.user_intent.role",
                "none of: treatment",
            ),
            (
                "user_intent: { role: latent,",
                "user_intent: { role: outcome,",
                "graph.nodes.user_intent.measured_by",
                "add an outcome with `node: user_intent`",
            ),
            (
                "coupon_discount: { role: treatment,",
                "coupon_discount: { role: treatment, measured_by: [user_tier],",
                "graph.nodes.coupon_discount.measured_by",
                "no meaning for a treatment",
            ),
            (
                "node: coupon_discount",
                "node: coupon_disc",
                "treatments.coupon.node",
                "is no node of the graph",
            ),
            (
                "node: coupon_discount",
                "node: user_engagement",
                "treatments.coupon.node",
                "has the role `confounder`",
            ),
            (
                "node: ad_exposure",
                "node: coupon_discount",
                "treatments.ad.node",
                "is the node of `treatments.coupon` already",
            ),
            (
                "    primary: true\n",
                "    primary: true\n    node: cart_value\n",
                "outcomes.purchase_decision.node",
                "has the role `mediator`",
            ),
        ],
    );
}

#[test]
fn edges_cycles_and_roles() {
    let edge = "- location -> coupon_discount";
    check(
        ECOMMERCE,
        &[
            (
                edge,
                "- location -> coupon_discuont",
                "graph.edges[9]",
                "did you mean `coupon_discount`?",
            ),
            (edge, "- location", "graph.edges[9]", "has no arrow"),
            (edge, "- location -> ", "graph.edges[9]", "is no name"),
            (
                edge,
                "- location: coupon_discount",
                "graph.edges[9]",
                "must be text such as",
            ),
            (
                edge,
                "- location -> {coupon_discount, location}",
                "graph.edges[9]",
                "cannot cause itself",
            ),
            (
                edge,
                "- location -> coupon_discount\n    - user_intent <-> user_intent",
                "graph.edges[10]",
                "shares no cause with itself",
            ),
            (
                edge,
                "- location -> coupon_discount\n    - location -> coupon_discount",
                "graph.edges[10]",
                "was given already",
            ),
            (
                edge,
                "- location -> {coupon_discount, purchase_amount}",
                "graph.edges[9]",
                "joins it to an outcome directly",
            ),
            (
                edge,
                "- location -> coupon_discount\n    - purchase_amount <-> location",
                "graph.edges[10]",
                "joins it to an outcome directly",
            ),
            (
                edge,
                "- location -> price_sensitivity -> location",
                "graph.edges[9]",
                "form a cycle",
            ),
            (
                edge,
                "- location -> coupon_discount\n    - cart_value -> user_engagement",
                "graph.nodes.user_engagement.role",
                "not known before the decision",
            ),
            (
                "- purchase_decision -> purchase_amount",
                "- purchase_decision -> {purchase_amount, browsing_time}",
                "graph.edges[4]",
                "cycle: ",
            ),
            (
                "    - location -> coupon_discount\n",
                "",
                "graph.nodes.location.role",
                "moves no treatment",
            ),
            (
                "coupon_discount -> {cart_value, purchase_decision}",
                "coupon_discount -> purchase_decision",
                "graph.nodes.cart_value.role",
                "no treatment leads to this mediator",
            ),
        ],
    );
}

#[test]
fn the_effect_basis() {
    let basis = "effect_basis: [price_sensitivity,";
    check(
        ECOMMERCE,
        &[
            (
                basis,
                "effect_basis: [price_sensitivty,",
                "effect_basis[0]",
                "did you mean `price_sensitivity`?",
            ),
            (
                basis,
                "effect_basis: [cart_value,",
                "effect_basis[0]",
                "measured after the decision",
            ),
            (
                basis,
                "effect_basis: [location,",
                "effect_basis[0]",
                "is an instrument",
            ),
            (
                basis,
                "effect_basis: [session_frequency,",
                "effect_basis[3]",
                "given already",
            ),
        ],
    );
}

#[test]
fn views_and_spans() {
    check(
        ECOMMERCE,
        &[
            (
                "    property: duration_s\n",
                "",
                "features.avg_session_duration.property",
                "is missing",
            ),
            (
                "aggregate: count\n",
                "aggregate: count_distinct\n",
                "features.session_frequency.property",
                "is missing",
            ),
            (
                "aggregate: count\n",
                "aggregate: count\n    property: n\n",
                "features.session_frequency.property",
                "has no meaning",
            ),
            (
                "window: 30d",
                "window: 0d",
                "features.avg_session_duration.window",
                "longer than 0",
            ),
            (
                "window: 365d\n    bucket: 1d",
                "window: 365d\n    bucket: 0s",
                "features.days_since_last_purchase.bucket",
                "longer than 0",
            ),
            (
                "window: 365d\n    bucket: 1d",
                "window: 365d\n    bucket: 7d",
                "features.days_since_last_purchase.bucket",
                "no multiple of the bucket 7d",
            ),
            (
                "window: 365d\n    bucket: 1d",
                "window: 365d\n    bucket: 1d\n    ttl: 30d",
                "features.days_since_last_purchase.ttl",
                "gone while the window",
            ),
            (
                "    default: 365\n",
                "",
                "features.days_since_last_purchase.default",
                "is missing",
            ),
            (
                "default: 365",
                "default: null",
                "features.days_since_last_purchase.default",
                "must not be null",
            ),
            (
                "default: 365",
                "default: long",
                "features.days_since_last_purchase.default",
                "must be a number",
            ),
            (
                "default: unknown",
                "default: 3",
                "features.user_tier.default",
                "must be text",
            ),
            (
                "aggregate: count\n",
                "aggregate: count\n    kind: categorical\n    default: a\n",
                "features.session_frequency.kind",
                "not a category",
            ),
            (
                "attribution: 5m",
                "attribution: 0m",
                "source.events.attribution",
                "longer than 0",
            ),
            (
                "controls_per_treated: 3",
                "controls_per_treated: 0",
                "source.events.controls_per_treated",
                "more than 0",
            ),
        ],
    );
}

#[test]
fn treatments_and_arms() {
    check(
        ECOMMERCE,
        &[
            (
                "coupon_10pct: { dose: 10,",
                "coupon_10pct: { dose: 5,",
                "treatments.coupon.arms.coupon_10pct.dose",
                "dose of `coupon_5pct` already",
            ),
            (
                "coupon_10pct: {",
                "coupon_5pct: {",
                "coupon_5pct",
                "given already on line",
            ),
            (
                "coupon_10pct: {",
                "free_shipping: {",
                "treatments.free_shipping.arms.free_shipping",
                "is an arm of `coupon` already",
            ),
            (
                "coupon_10pct: {",
                "none: {",
                "treatments.coupon.arms.none",
                "cannot be the id",
            ),
            (
                "dose: 10, cost: 10",
                "dose: 10, cost: -10",
                "treatments.coupon.arms.coupon_10pct.cost",
                "at least 0",
            ),
            (
                "dose: 10, cost: 10",
                "dose: 10",
                "treatments.coupon.arms.coupon_10pct.cost",
                "is missing",
            ),
            (
                "dose: 10, cost: 10",
                "cost: 10",
                "treatments.coupon.arms.coupon_10pct.dose",
                "no dose to tell it by",
            ),
            (
                "    dose_property: discount_percent\n",
                "",
                "treatments.coupon.dose_property",
                "nothing tells the arms apart",
            ),
            ("    cost: 3\n", "", "treatments.free_shipping.cost", "is missing"),
            (
                "    cost: 3\n",
                "    cost: 1e999\n",
                "treatments.free_shipping.cost",
                "finite number",
            ),
            (
                "    event: ad_shown",
                "    kind: continuous\n    event: ad_shown",
                "treatments.ad.kind",
                "no effect per arm",
            ),
            (
                "    node: coupon_discount",
                "    kind: binary\n    node: coupon_discount",
                "treatments.coupon.kind",
                "has one arm",
            ),
            (
                "event: ad_shown",
                "event: coupon_shown",
                "treatments.ad.event",
                "is the event of `coupon` already",
            ),
        ],
    );
}

#[test]
fn outcomes_and_their_worth() {
    check(
        ECOMMERCE,
        &[
            ("    primary: true\n", "", "outcomes", "none is primary"),
            (
                "  purchase_amount:\n    aggregate: sum",
                "  purchase_amount:\n    primary: true\n    aggregate: sum",
                "outcomes.purchase_amount.primary",
                "is the primary outcome already",
            ),
            (
                "    aggregate: any",
                "    aggregate: avg",
                "outcomes.purchase_decision.aggregate",
                "no aggregate of an outcome",
            ),
            (
                "weight: 100",
                "weight: 100\n    direction: minimise",
                "outcomes.purchase_decision.direction",
                "contradicts the weight 100",
            ),
            (
                "weight: 100",
                "weight: 0.5",
                "treatments.coupon.arms.coupon_5pct.cost",
                "no arm can ever beat its cost",
            ),
            ("weight: 100", "weight: 0", "outcomes", "no outcome has a weight"),
        ],
    );
}

#[test]
fn policy_fallback_and_gates() {
    check(
        ECOMMERCE,
        &[
            (
                "significance_level: 0.05",
                "significance_level: 5",
                "policy.significance_level",
                "between 0 and 1",
            ),
            (
                "holdout: 0.05",
                "holdout: 5",
                "policy.holdout",
                "must lie in [0, 1]",
            ),
            (
                "holdout: 0.05",
                "holdout: 0.96",
                "policy.exploration",
                "more than all decisions",
            ),
            (
                "propensity_floor: 0.01",
                "propensity_floor: 0.3",
                "policy.propensity_floor",
                "5 arms, control included, cannot",
            ),
            (
                "propensity_floor: 0.01",
                "propensity_floor: 0.02",
                "policy.propensity_floor",
                "explore at least 0.1000",
            ),
            (
                "price_sensitivity >= 0.8",
                "price_sensitivty >= 0.8",
                "fallback[0].when",
                "did you mean `price_sensitivity`?",
            ),
            (
                "price_sensitivity >= 0.8",
                "cart_value >= 0.8",
                "fallback[0].when",
                "measured after the decision",
            ),
            (
                "price_sensitivity >= 0.8",
                "user_tier >= gold",
                "fallback[0].when",
                "has no order",
            ),
            (
                "price_sensitivity >= 0.8",
                "price_sensitivity >= high",
                "fallback[0].when",
                "the constant is text",
            ),
            (
                "price_sensitivity >= 0.8",
                "price_sensitivity is high",
                "fallback[0].when",
                "is no comparison",
            ),
            (
                "give: coupon_5pct",
                "give: coupon_5pc",
                "fallback[0].give",
                "did you mean `coupon_5pct`?",
            ),
            ("    give: coupon_5pct\n", "", "fallback[0].give", "is missing"),
            (
                "  - when: price_sensitivity >= 0.8\n    give: coupon_5pct\n",
                "  - give: coupon_5pct\n",
                "fallback[1]",
                "is never reached",
            ),
            (
                "propensity_clip: 0.01",
                "propensity_clip: 0.5",
                "gates.propensity_clip",
                "between 0 and 0.5",
            ),
            (
                "clipped_share_max: 0.2",
                "clipped_share_max: 20",
                "gates.clipped_share_max",
                "[0, 1]",
            ),
            (
                "rows_per_arm_min: 10",
                "rows_per_arm_min: 1.5",
                "gates.rows_per_arm_min",
                "whole number",
            ),
        ],
    );
}

#[test]
fn tables() {
    check(
        HILLSTROM,
        &[
            (
                "  recency: {} ",
                "  visit: {} ",
                "features.visit.column",
                "an outcome is never a covariate",
            ),
            (
                "  recency: {} ",
                "  recency: { column: history } ",
                "features.history.column",
                "is that of the view `recency` already",
            ),
            (
                "  recency: {} ",
                "  recency: { window: 3d } ",
                "features.recency.window",
                "no key that is read here",
            ),
            (
                "    control: No E-Mail\n",
                "",
                "treatments.email.control",
                "is missing",
            ),
            (
                "control: No E-Mail",
                "control: Mens E-Mail",
                "treatments.email.arms.Mens E-Mail.dose",
                "is the value of control",
            ),
            (
                "source: table",
                "source: { table: { unit: spend } }",
                "outcomes.spend.column",
                "is that of the unit already",
            ),
            (
                "source: table",
                "source: tables",
                "source",
                "did you mean `table`?",
            ),
        ],
    );
}
