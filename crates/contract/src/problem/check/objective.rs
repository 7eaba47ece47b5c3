//! Arms, costs and weights: what an effect is worth, and whether any can be worth its cost.

use std::collections::BTreeMap;

use crate::problem::fault::Faults;
use crate::problem::{Aggregate, Direction, Outcome, OutcomeSource, Problem, Treatment, TreatmentSource};
use crate::value::Value;

pub(super) fn check(problem: &Problem, faults: &mut Faults) {
    arm_ids(problem, faults);
    for treatment in &problem.treatments {
        costs(treatment, faults);
        doses(treatment, faults);
    }
    for outcome in &problem.outcomes {
        direction(outcome, faults);
    }
    primary(problem, faults);
    worth(problem, faults);
}

/// Where an arm stands: under `arms`, or the treatment itself where it is the only one.
fn arm_path(treatment: &Treatment, id: &str, key: &str) -> String {
    let listed = treatment.arms.len() > 1 || treatment.arms.iter().any(|a| a.id != treatment.name);
    if listed {
        format!("treatments.{}.arms.{id}.{key}", treatment.name)
    } else {
        format!("treatments.{}.{key}", treatment.name)
    }
}

/// Requests name an arm by its id alone, so it is unique over all treatments.
fn arm_ids(problem: &Problem, faults: &mut Faults) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for treatment in &problem.treatments {
        for arm in &treatment.arms {
            if let Some(other) = first.insert(&arm.id, &treatment.name) {
                let path = format!("treatments.{}.arms.{}", treatment.name, arm.id);
                let fix = "choose another id: arms are named by it alone";
                faults.check(&path, format!("`{}` is an arm of `{other}` already", arm.id), fix);
            }
        }
    }
}

fn costs(treatment: &Treatment, faults: &mut Faults) {
    for arm in &treatment.arms {
        if !arm.cost.is_finite() || arm.cost < 0.0 {
            let fix = "write what giving the arm costs, 0 if it is free";
            faults.check(
                &arm_path(treatment, &arm.id, "cost"),
                "must be a finite number of at least 0",
                fix,
            );
        }
    }
}

/// A dose tells one arm, and control is none of them.
fn doses(treatment: &Treatment, faults: &mut Faults) {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for arm in &treatment.arms {
        let path = arm_path(treatment, &arm.id, "dose");
        let Some(dose) = &arm.dose else { continue };
        let Some(shown) = dose.as_category() else {
            faults.check(&path, "must not be null", "write the value that tells this arm");
            continue;
        };
        if let TreatmentSource::Column { control, .. } = &treatment.from
            && control.as_category().as_deref() == Some(&shown)
        {
            faults.check(
                &path,
                format!("`{shown}` is the value of control"),
                "leave the arm out, or mend `control`",
            );
        }
        if let Some(other) = first.insert(shown.clone(), &arm.id) {
            let fix = "give each arm a dose of its own";
            faults.check(&path, format!("`{shown}` is the dose of `{other}` already"), fix);
        }
    }
    if let TreatmentSource::Column {
        control: Value::Null, ..
    } = &treatment.from
    {
        let path = format!("treatments.{}.control", treatment.name);
        faults.check(
            &path,
            "must not be null",
            "write what the column holds for the untreated; \"\" for an empty cell",
        );
    }
}

fn direction(outcome: &Outcome, faults: &mut Faults) {
    let path = |key: &str| format!("outcomes.{}.{key}", outcome.name);
    let against = match outcome.direction {
        Direction::Maximise => outcome.weight < 0.0,
        Direction::Minimise => outcome.weight > 0.0,
    };
    if against && faults.was_read(&path("weight")) {
        let fix = "a weight is positive where more is better and negative where less is; mend one of the two";
        faults.check(
            &path("direction"),
            format!("contradicts the weight {}", outcome.weight),
            fix,
        );
    }
}

fn primary(problem: &Problem, faults: &mut Faults) {
    let primary: Vec<&Outcome> = problem.outcomes.iter().filter(|o| o.primary).collect();
    let unread = problem
        .outcomes
        .iter()
        .any(|o| !faults.was_read(&format!("outcomes.{}.primary", o.name)));
    if primary.is_empty() && !problem.outcomes.is_empty() && !unread {
        let fix = "add `primary: true` to the outcome that `estimated_effect` is about";
        faults.check("outcomes", "none is primary", fix);
    }
    for outcome in primary.iter().skip(1) {
        let path = format!("outcomes.{}.primary", outcome.name);
        let fix = "keep one primary outcome; the others are reported beside it";
        faults.check(
            &path,
            format!("`{}` is the primary outcome already", primary[0].name),
            fix,
        );
    }
}

/// The most an arm can gain: an outcome that is 0 or 1 changes by at most 1, others by any amount.
fn gain_max(problem: &Problem) -> f64 {
    problem
        .outcomes
        .iter()
        .filter(|o| o.weight != 0.0)
        .map(|o| match &o.from {
            OutcomeSource::Events {
                aggregate: Aggregate::Any,
                ..
            } => o.weight.abs(),
            _ => f64::INFINITY,
        })
        .sum()
}

/// At least one arm must be able to gain more than it costs, else the policy never gives any.
fn worth(problem: &Problem, faults: &mut Faults) {
    let read = problem.outcomes.iter().all(|o| {
        faults.was_read(&format!("outcomes.{}.weight", o.name))
            && faults.was_read(&format!("outcomes.{}.aggregate", o.name))
    });
    let arms: Vec<_> = problem
        .treatments
        .iter()
        .flat_map(|t| t.arms.iter().map(move |a| (t, a)))
        .collect();
    let costs_read = arms
        .iter()
        .all(|(t, a)| faults.was_read(&arm_path(t, &a.id, "cost")));
    if !read || !costs_read || arms.is_empty() || problem.outcomes.is_empty() {
        return;
    }
    let gain = gain_max(problem);
    if arms.iter().any(|(_, a)| a.cost < gain) {
        return;
    }
    if gain == 0.0 {
        let fix = "give the primary outcome a `weight` in the currency of the costs";
        faults.check(
            "outcomes",
            "no outcome has a weight, so no arm is worth anything",
            fix,
        );
        return;
    }
    for (treatment, arm) in arms {
        let problem = format!(
            "no arm can ever beat its cost: the outcomes can gain {gain} at the most, this arm costs {}",
            arm.cost
        );
        let fix = "raise the outcome's `weight` or lower the cost; both are in one currency";
        faults.check(&arm_path(treatment, &arm.id, "cost"), problem, fix);
    }
}
