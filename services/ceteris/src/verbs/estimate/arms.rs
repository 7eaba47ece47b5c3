//! Several arms against one control: doubly robust averages with joint intervals and adjusted p-values. Two arms are in
//! [`super::methods`].

use std::collections::BTreeSet;

use ceteris_causal::diagnose::doubt::{Doubt, EXTREME_PROPENSITY, doubts};
use ceteris_causal::diagnose::nuisance::mean_fit;
use ceteris_causal::diagnose::overlap::overlap;
use ceteris_causal::dml::{DmlError, FittedMultiArm, PropensitySource, ValidDmlParams, multi_arm};
use ceteris_causal::inference::{BootstrapParams, Estimate as Found, Joint, holm, wald};
use ceteris_causal::score::Scores;
use ndarray::{ArrayView1, Axis};
use serde_json::{Value, json};

use super::args::Estimate;
use super::data::Data;
use super::learners::{means, probabilities, refused};
use super::report::{LEVEL, Report};
use crate::output::bad_input;
use crate::progress::watched;
use crate::verbs::treatment::Arms;

pub(super) fn irm(
    args: &Estimate,
    data: &Data,
    arms: &Arms,
    params: &ValidDmlParams,
) -> anyhow::Result<Report> {
    let ml_g = means(args.learner_outcome, &data.y)?;
    let ml_m = probabilities("--learner-treatment", "irm", args.treatment_learner(true))?;
    let source = PropensitySource::Learned(&*ml_m);
    let outcome = ArrayView1::from(&data.y).insert_axis(Axis(1)).to_owned();
    let (rows, n_arms) = (data.rows(), arms.names.len() + 1);
    let fit = watched("estimate", |watch| {
        multi_arm(
            params,
            &rows,
            &arms.of_row,
            n_arms,
            &outcome,
            source,
            &*ml_g,
            watch,
        )
    })
    .map_err(|error| thin(error, args, arms))?;
    let joint = joint(&fit)?;
    let found = (1..n_arms)
        .map(|arm| fit.ate(0, arm, 0).map_err(refused))
        .collect::<anyhow::Result<Vec<Found>>>()?;
    let mut report = Report::of_several(&joint.one(0), "average effect");
    let repeat = &fit.repeats[0];
    let at_own: Vec<f64> = (0..data.y.len())
        .map(|i| repeat.g_hat[0][[i, arms.of_row[i]]])
        .collect();
    let outcome = mean_fit(&data.y, &at_own, &fit.weights);
    report.nuisance = json!({ "rmse_outcome": outcome.rmse, "r2_outcome": outcome.r2, "flags": fit.flags });
    report.overlap = overlap_by_name(args, arms, &fit);
    let flags = flags(&found, &fit, arms);
    let all: BTreeSet<Doubt> = flags.iter().flatten().copied().collect();
    report.doubts = all.into_iter().collect();
    let rows = by_arm(args, arms, &found, &joint, &flags);
    report.own.insert("control".into(), json!(arms.control));
    report.own.insert("arms".into(), rows);
    report.own.insert("means".into(), potential_means(arms, &fit)?);
    let null = vec![0.0; joint.len()];
    let no_effect = wald(joint.estimates(), &null, joint.covariance().view());
    report.own.insert("no_effect".into(), json!(no_effect));
    Ok(report)
}

/// An arm with too few rows is told by its name.
fn thin(error: DmlError, args: &Estimate, arms: &Arms) -> anyhow::Error {
    let DmlError::ThinArm { arm, fold, rows } = error else {
        return refused(error);
    };
    let name = arm.checked_sub(1).map_or(&arms.control, |arm| &arms.names[arm]);
    bad_input(format!(
        "--treatment {}: {name} has {rows} rows to learn from outside fold {fold}; merge it with another value or leave \
         its rows out",
        args.treatment
    ))
}

/// All arms against control, jointly.
fn joint(fit: &FittedMultiArm) -> anyhow::Result<Joint> {
    let scores: Vec<Scores> = (1..fit.n_arms)
        .map(|arm| Scores::mean_of(fit.gamma(0, arm, 0)))
        .collect();
    Joint::of_scores(&scores, &fit.weights, &fit.clusters).map_err(|error| refused(error.into()))
}

/// A row an arm. Joint intervals come from the bootstrap of the largest |t|, p-values are adjusted by Holm, which can tell
/// values below what draws resolve.
fn by_arm(args: &Estimate, arms: &Arms, found: &[Found], joint: &Joint, flags: &[Vec<Doubt>]) -> Value {
    let draws = BootstrapParams {
        seed: args.seed,
        ..BootstrapParams::default()
    };
    let c = joint.bootstrap(&draws).critical_value(LEVEL);
    let p_values: Vec<f64> = found.iter().map(Found::p_value).collect();
    let adjusted = holm(&p_values);
    let row = |a: usize| {
        let Found {
            estimate, std_error, ..
        } = found[a];
        json!({
            "arm": arms.names[a],
            "estimate": estimate,
            "std_error": std_error,
            "ci": found[a].ci(LEVEL),
            "joint_ci": [estimate - c * std_error, estimate + c * std_error],
            "p_value": p_values[a],
            "p_value_adjusted": adjusted[a],
            "flags": flags[a],
        })
    };
    (0..found.len()).map(row).collect()
}

/// The doubts of each arm's contrast: of its score, and of its overlap and control's.
fn flags(found: &[Found], fit: &FittedMultiArm, arms: &Arms) -> Vec<Vec<Doubt>> {
    let m = fit.repeats[0].m_hat.view();
    let thin = overlap(m, &arms.of_row, &fit.weights, EXTREME_PROPENSITY);
    let of_arm = |arm: usize| {
        let scores = Scores::mean_of(fit.gamma(0, arm, 0));
        let two = [thin[0], thin[arm]];
        doubts(&found[arm - 1], &scores, &fit.weights, &fit.clusters, &two)
    };
    (1..fit.n_arms).map(of_arm).collect()
}

/// Control and the other arms, in that order.
fn named(arms: &Arms) -> impl Iterator<Item = &String> {
    std::iter::once(&arms.control).chain(&arms.names)
}

fn overlap_by_name(args: &Estimate, arms: &Arms, fit: &FittedMultiArm) -> Value {
    let repeat = &fit.repeats[0];
    let told = overlap(repeat.m_hat.view(), &arms.of_row, &fit.weights, args.clip);
    let row = |(name, overlap)| {
        let mut row = json!(overlap);
        row["arm"] = json!(name);
        row
    };
    json!({
        "arms": named(arms).zip(told).map(row).collect::<Value>(),
        "clip": repeat.clip,
        "trim": fit.trim,
    })
}

/// The mean outcome had everybody had an arm.
fn potential_means(arms: &Arms, fit: &FittedMultiArm) -> anyhow::Result<Value> {
    named(arms)
        .enumerate()
        .map(|(arm, name)| {
            let mean = fit.potential_mean(0, arm).map_err(refused)?;
            Ok(json!({
                "arm": name,
                "estimate": mean.estimate,
                "std_error": mean.std_error,
                "ci": mean.ci(LEVEL),
            }))
        })
        .collect()
}
