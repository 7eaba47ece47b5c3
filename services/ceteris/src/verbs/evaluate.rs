//! `ceteris evaluate`: effects judged by held-out rows, and by the truth where a column holds it.

use ceteris_causal::effect::learners::{Held, held_out_scores};
use ceteris_causal::effect::{Effect, group_effects};
use ceteris_causal::evaluate::{
    EvaluateError, Rate, RateWeight, calibration, dr_score, policy_value, r_score, rate, unit_errors,
};
use ceteris_causal::inference::{Clusters, Estimate, InferenceError, solve};
use ceteris_causal::score::Scores;
use ceteris_table::Table;
use ndarray::Array2;
use serde_json::{Map, Value, json};

use crate::cli::Format;
use crate::output::{bad_input, print};
use crate::progress::watched;
use crate::verbs::effect::args::Evaluate;
use crate::verbs::effect::rows::{Nuisances, Rows, read, read_table, whole};
use crate::verbs::effect::{LEVEL, column_names};
use crate::verbs::fit_effect::refused;

/// Half-samples behind the error of a rank-weighted effect.
const RESAMPLES: usize = 200;
/// Groups of rows by rising effect.
const GROUPS: usize = 5;

pub(crate) fn run(format: Format, args: &Evaluate) -> anyhow::Result<()> {
    let effects = read_table(&args.effects)?;
    let rows = read(&args.data, &args.rows)?;
    if effects.len() != rows.y.len() {
        return Err(bad_input(format!(
            "--effects has {} rows, --data {}; give the effects of the same rows in the same order",
            effects.len(),
            rows.y.len()
        )));
    }
    let k = rows.arms().len().max(1);
    if args.cost.len() != 1 && args.cost.len() != k || args.cost.iter().any(|c| !c.is_finite()) {
        return Err(bad_input(format!(
            "--cost has {} numbers for {k} effects; give one for all, or one finite number an effect",
            args.cost.len()
        )));
    }
    let tau = (0..k)
        .map(|a| whole(&effects, &column_names(rows.arms(), a)[0]))
        .collect::<anyhow::Result<Vec<_>>>()
        .map_err(|error| bad_input(format!("--effects: {error}")))?;
    let nuisances = Nuisances::for_columns(args.rows.covariates.len());
    let params = nuisances.params(&args.rows, 4);
    let held = watched("evaluate", |watch| held_out_scores(&params, &rows.data(), watch)).map_err(refused)?;
    let w = rows.weights.clone().unwrap_or_else(|| vec![1.0; rows.y.len()]);
    let table = Array2::from_shape_fn((rows.y.len(), k), |(i, a)| tau[a][i]);
    let score = r_score(&held.y, held.d.view(), table.view(), &w).map_err(judged)?;
    let mut arms = Vec::with_capacity(k);
    for a in 0..k {
        arms.push(one_arm(args, &rows, &held, a, &tau[a], &w)?);
    }
    let rule = policy(args, &rows, &held, &tau, &w)?;
    if let Some(truth) = &args.truth {
        let data = read_table(&args.data)?;
        if truth.len() != k {
            return Err(bad_input(format!(
                "--truth names {} columns for {k} effects; name one an effect, in their order",
                truth.len()
            )));
        }
        for (a, column) in truth.iter().enumerate() {
            let truth = whole(&data, column).map_err(|error| bad_input(format!("--truth: {error}")))?;
            arms[a]["truth"] = against_truth(&effects, &rows, a, &truth)?;
        }
    }
    let document = json!({ "n": rows.y.len(), "r_score": score, "arms": arms, "policy": rule, "identification": "assumed" });
    print(format, &document, || text(&document))
}

/// What the scores refuse is about the data.
fn judged(error: EvaluateError) -> anyhow::Error {
    bad_input(format!("{:#}", anyhow::Error::new(error)))
}

fn unsolved(error: InferenceError) -> anyhow::Error {
    bad_input(error.to_string())
}

fn one_arm(
    args: &Evaluate,
    rows: &Rows,
    held: &Held,
    a: usize,
    tau: &[f64],
    w: &[f64],
) -> anyhow::Result<Value> {
    let mut found = Map::new();
    found.insert("arm".into(), json!(rows.arms().get(a)));
    let Some(gamma) = &held.gamma else {
        return Ok(Value::Object(found));
    };
    let clusters = Clusters::by_unit(&rows.units);
    let gamma = gamma.column(a).to_vec();
    let average = solve(&Scores::mean_of(gamma.clone()), w, &clusters).map_err(unsolved)?;
    let area = |weight| rate(&gamma, tau, w, &rows.units, weight, RESAMPLES, args.rows.seed).map_err(judged);
    let by_effect = groups(tau);
    let grouped = group_effects(&gamma, &by_effect, GROUPS, w, &clusters).map_err(unsolved)?;
    found.insert("average".into(), estimate(&average));
    found.insert("autoc".into(), area_of(&area(RateWeight::Autoc)?));
    found.insert("qini".into(), area_of(&area(RateWeight::Qini)?));
    found.insert(
        "calibration".into(),
        json!(calibration(&gamma, tau, w, &clusters).map_err(judged)?),
    );
    found.insert(
        "dr_score".into(),
        json!(dr_score(&gamma, tau, w).map_err(judged)?),
    );
    found.insert("by_effect".into(), grouped.iter().map(estimate).collect());
    Ok(Value::Object(found))
}

/// The rule that gives each row the arm whose effect is furthest above its cost, none where no effect is above it: what
/// it gains over giving nobody anything, and over the one arm that is best for all by the same scores.
fn policy(args: &Evaluate, rows: &Rows, held: &Held, tau: &[Vec<f64>], w: &[f64]) -> anyhow::Result<Value> {
    let Some(potential) = &held.potential else {
        return Ok(Value::Null);
    };
    let costs = match &args.cost[..] {
        [one] => vec![*one; tau.len()],
        each => each.to_vec(),
    };
    let clusters = Clusters::by_unit(&rows.units);
    let net = potential - &ndarray::Array1::from_iter(std::iter::once(0.0).chain(costs.iter().copied()));
    let choice: Vec<usize> = (0..rows.y.len()).map(|i| best(tau, &costs, i)).collect();
    let gain = policy_value(net.view(), &choice, Some(0), w, &clusters).map_err(judged)?;
    let mut uniform = None::<(usize, Estimate)>;
    for arm in 0..=tau.len() {
        let all = vec![arm; choice.len()];
        let value = policy_value(net.view(), &all, Some(0), w, &clusters).map_err(judged)?;
        if uniform
            .as_ref()
            .is_none_or(|(_, best)| value.estimate > best.estimate)
        {
            uniform = Some((arm, value));
        }
    }
    let name = |arm: usize| match arm {
        0 => "none",
        arm => &rows.arms()[arm - 1],
    };
    let total: f64 = w.iter().sum();
    let share = |arm| {
        choice
            .iter()
            .zip(w)
            .filter(|(c, _)| **c == arm)
            .map(|(_, w)| w)
            .sum::<f64>()
            / total
    };
    let shares: Map<String, Value> = (0..=tau.len())
        .map(|arm| (name(arm).to_owned(), json!(share(arm))))
        .collect();
    let mut found = json!({ "cost": costs, "shares": shares, "gain": estimate(&gain) });
    if let Some((arm, _)) = uniform {
        let over = policy_value(net.view(), &choice, Some(arm), w, &clusters).map_err(judged)?;
        found["best_for_all"] = json!({ "arm": name(arm), "gain_over": estimate(&over) });
    }
    Ok(found)
}

/// The arm of row i: the first of those furthest above their cost, 0 where none is above it.
fn best(tau: &[Vec<f64>], costs: &[f64], i: usize) -> usize {
    let (mut arm, mut above) = (0, 0.0);
    for (a, (tau, cost)) in tau.iter().zip(costs).enumerate() {
        if tau[i] - cost > above {
            (arm, above) = (a + 1, tau[i] - cost);
        }
    }
    arm
}

/// Fifths of the rows by rising effect; rows of equal effect stay in file order.
fn groups(tau: &[f64]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..tau.len()).collect();
    order.sort_by(|&a, &b| tau[a].total_cmp(&tau[b]));
    let mut group = vec![None; tau.len()];
    for (rank, &i) in order.iter().enumerate() {
        group[i] = Some(rank * GROUPS / tau.len());
    }
    group
}

fn against_truth(effects: &Table, rows: &Rows, a: usize, truth: &[f64]) -> anyhow::Result<Value> {
    let [tau, error, ..] = column_names(rows.arms(), a);
    let tau = whole(effects, &tau)?;
    let error = effects
        .numbers(&error)
        .unwrap_or_else(|_| vec![f64::NAN; tau.len()]);
    let known = error.iter().all(|e| e.is_finite());
    let units: Vec<Effect> = tau
        .iter()
        .zip(&error)
        .map(|(&tau, &std_error)| Effect { tau, std_error })
        .collect();
    let errors = unit_errors(&units, truth, LEVEL);
    let errors = errors.ok_or_else(|| bad_input("--truth: the column has no rows to compare"))?;
    Ok(json!({
        "pehe": errors.rmse,
        "coverage": known.then_some(errors.coverage),
        "mean_std_error": known.then_some(errors.mean_std_error),
    }))
}

fn estimate(found: &Estimate) -> Value {
    json!({ "estimate": found.estimate, "std_error": found.std_error, "ci": found.ci(LEVEL), "p_value": found.p_value(), "n": found.n })
}

fn area_of(found: &Rate) -> Value {
    json!({ "estimate": found.estimate, "std_error": found.std_error, "ci": found.ci(LEVEL), "p_value": found.p_value() })
}

fn text(document: &Value) -> String {
    let mut lines = vec![format!(
        "{} rows, R-score {:.5}",
        document["n"],
        document["r_score"].as_f64().unwrap_or(f64::NAN)
    )];
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    for arm in document["arms"].as_array().into_iter().flatten() {
        let name = arm["arm"].as_str().unwrap_or("dose");
        if arm["average"].is_object() {
            let of = |what: &str| (number(&arm[what]["estimate"]), number(&arm[what]["std_error"]));
            let ((average, e1), (autoc, e2), (qini, e3)) = (of("average"), of("autoc"), of("qini"));
            lines.push(format!(
                "{name}: average {average:.5} ({e1:.5}), AUTOC {autoc:.5} ({e2:.5}), Qini {qini:.5} ({e3:.5})"
            ));
            let differential = &arm["calibration"]["differential"];
            lines.push(format!(
                "{name}: calibration of differences {:.3} ({:.3}); 1 is right, 0 says nothing",
                number(&differential["estimate"]),
                number(&differential["std_error"])
            ));
        }
        if arm["truth"].is_object() {
            lines.push(format!("{name}: PEHE {:.5}", number(&arm["truth"]["pehe"])));
        }
    }
    let (gain, over) = (&document["policy"]["gain"], &document["policy"]["best_for_all"]);
    if gain.is_object() {
        lines.push(format!(
            "the rule gains {:.5} ({:.5}) a row over treating nobody, {:.5} ({:.5}) over {} for all",
            number(&gain["estimate"]),
            number(&gain["std_error"]),
            number(&over["gain_over"]["estimate"]),
            number(&over["gain_over"]["std_error"]),
            over["arm"].as_str().unwrap_or_default()
        ));
    }
    lines.join("\n")
}
