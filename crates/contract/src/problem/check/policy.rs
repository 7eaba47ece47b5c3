//! Probabilities, the propensity floor, fallback rules and gates.

use crate::problem::fault::{Faults, did_you_mean};
use crate::problem::{Comparison, Condition, NodeRole, Problem, ViewKind};
use crate::value::Value;

pub(super) fn check(problem: &Problem, faults: &mut Faults) {
    probabilities(problem, faults);
    floor(problem, faults);
    fallback(problem, faults);
    gates(problem, faults);
}

fn probabilities(problem: &Problem, faults: &mut Faults) {
    let policy = &problem.policy;
    if !(policy.significance_level > 0.0 && policy.significance_level < 1.0) {
        faults.check(
            "policy.significance_level",
            "must lie between 0 and 1",
            "write for example 0.05, for 95 % intervals",
        );
    }
    let shares = [
        ("exploration", policy.exploration),
        ("holdout", policy.holdout),
        ("propensity_floor", policy.propensity_floor),
    ];
    let mut legal = true;
    for (key, share) in shares {
        if !(0.0..=1.0).contains(&share) {
            legal = false;
            faults.check(
                &format!("policy.{key}"),
                "must lie in [0, 1]",
                "write a share such as 0.05, not percent",
            );
        }
    }
    if legal && policy.exploration + policy.holdout > 1.0 {
        let problem = format!(
            "exploration {} and holdout {} are more than all decisions",
            policy.exploration, policy.holdout
        );
        faults.check(
            "policy.exploration",
            problem,
            "lower one so that they sum to 1 at the most",
        );
    }
}

/// Exploration is spread evenly over control and every arm; the floor can promise no more than that share.
fn floor(problem: &Problem, faults: &mut Faults) {
    let policy = &problem.policy;
    let arms = problem.treatments.iter().map(|t| t.arms.len()).sum::<usize>() + 1;
    let floor = policy.propensity_floor;
    if !(0.0..=1.0).contains(&floor) || !(0.0..=1.0).contains(&policy.exploration) {
        return;
    }
    let path = "policy.propensity_floor";
    if floor * arms as f64 > 1.0 {
        let fix = format!("write at most {:.4}", 1.0 / arms as f64);
        faults.check(
            path,
            format!("{arms} arms, control included, cannot each have {floor}"),
            fix,
        );
    } else if floor > policy.exploration / arms as f64 + 1e-12 && faults.was_read("policy.exploration") {
        let share = policy.exploration / arms as f64;
        let problem = format!(
            "exploration {} gives each of {arms} arms, control included, only {share:.4}",
            policy.exploration
        );
        let fix = format!(
            "write at most {share:.4}, or explore at least {:.4}",
            floor * arms as f64
        );
        faults.check(path, problem, fix);
    }
}

fn fallback(problem: &Problem, faults: &mut Faults) {
    let mut always = None;
    for (i, rule) in problem.fallback.iter().enumerate() {
        let path = format!("fallback[{i}]");
        if let Some(before) = always {
            let fix = "move the rule without `when` to the end";
            faults.check(
                &path,
                format!("is never reached: rule {before} before it always matches"),
                fix,
            );
        }
        if let Some(arm) = &rule.give
            && problem.arm(arm).is_none()
        {
            let arms = problem
                .treatments
                .iter()
                .flat_map(|t| t.arms.iter().map(|a| a.id.as_str()));
            let fix = did_you_mean(arm, arms.chain(["none"]));
            faults.check(&format!("{path}.give"), format!("`{arm}` is no arm"), fix);
        }
        match &rule.when {
            Some(condition) => when(problem, condition, &format!("{path}.when"), faults),
            // A condition that could not be read may match anything, but not always.
            None if faults.was_read(&format!("{path}.when")) => always = always.or(Some(i)),
            None => {}
        }
    }
}

fn when(problem: &Problem, condition: &Condition, path: &str, faults: &mut Faults) {
    let name = &condition.feature;
    let Some(view) = problem.view(name) else {
        let views = problem.decision_views().map(|v| v.name.as_str());
        faults.check(path, format!("`{name}` is no view"), did_you_mean(name, views));
        return;
    };
    let ordered = !matches!(condition.op, Comparison::Eq | Comparison::Ne);
    if view.role == NodeRole::Mediator {
        let fix = "compare a view of a confounder, effect modifier or instrument";
        faults.check(path, format!("`{name}` is measured after the decision"), fix);
    } else if view.kind == ViewKind::Categorical && ordered {
        faults.check(
            path,
            format!("`{name}` is a category, which has no order"),
            "compare with == or !=",
        );
    } else if view.kind == ViewKind::Numeric && matches!(condition.value, Value::Text(_)) {
        faults.check(
            path,
            format!("`{name}` is a number and the constant is text"),
            "compare with a number",
        );
    }
}

fn gates(problem: &Problem, faults: &mut Faults) {
    let gates = &problem.gates;
    if !(gates.propensity_clip > 0.0 && gates.propensity_clip < 0.5) {
        faults.check(
            "gates.propensity_clip",
            "must lie between 0 and 0.5",
            "write for example 0.01",
        );
    }
    for (key, share) in [
        ("clipped_share_max", gates.clipped_share_max),
        ("missing_share_max", gates.missing_share_max),
    ] {
        if !(0.0..=1.0).contains(&share) {
            faults.check(
                &format!("gates.{key}"),
                "must lie in [0, 1]",
                "write a share such as 0.1, not percent",
            );
        }
    }
}
