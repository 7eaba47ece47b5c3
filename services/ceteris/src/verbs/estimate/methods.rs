//! One function a method: fit, and what there is to say about the fit.

use ceteris_causal::diagnose::doubt::{Doubt, EXTREME_PROPENSITY};
use ceteris_causal::diagnose::nuisance::mean_fit;
use ceteris_causal::diagnose::overlap::overlap;
use ceteris_causal::diagnose::rosenbaum::rosenbaum_gamma;
use ceteris_causal::diagnose::sensitivity::{self, Confounding, Sensitivity};
use ceteris_causal::dml::{
    Compliance, DmlError, Fitted, FlagCount, PropensitySource, ValidDmlParams, Watch, front_door,
    interactive, local_average, partially_linear, partially_linear_instrument, partially_linear_iv_type,
};
use ceteris_causal::inference::{Clusters, Estimate as Found, WEAK_F, anderson_rubin, first_stage_f};
use ceteris_causal::matching::{MatchedEstimand, MatchingParams, matching};
use ceteris_causal::score::Scores;
use ndarray::Array2;
use serde_json::{Value, json};

use super::args::{EstimandArg, Estimate, ScoreArg};
use super::data::Data;
use super::learners::{means, probabilities, refused};
use super::report::{LEVEL, Report};
use crate::output::bad_input;
use crate::progress::watched;

/// A fit with its progress on stderr; what it refuses is about the data.
pub(super) fn fit<T>(work: impl FnOnce(Watch<'_>) -> Result<T, DmlError>) -> anyhow::Result<T> {
    watched("estimate", work).map_err(refused)
}

/// The estimate of a fit: clustered in two ways where the user said so.
fn found<N>(fit: &Fitted<N>, data: &Data) -> anyhow::Result<Found> {
    match &data.second {
        None => Ok(fit.estimate.clone()),
        Some(second) => fit.two_way(&Clusters::by_unit(second)).map_err(refused),
    }
}

fn of_sensitivity(args: &Estimate, strength: &Sensitivity) -> Value {
    let confounding = Confounding {
        cf_y: args.cf_y,
        cf_d: args.cf_d,
        rho: 1.0,
    };
    let bounds = strength.bounds(confounding, LEVEL);
    json!({
        "cf_y": args.cf_y,
        "cf_d": args.cf_d,
        "rho": 1.0,
        "bounds": bounds.map(|bounds| bounds.theta),
        "bounds_ci": bounds.map(|bounds| bounds.ci),
        "rv": strength.robustness_value(0.0, 1.0),
        "rva": strength.robustness_value_with_confidence(0.0, 1.0, LEVEL),
    })
}

/// What is told of a partially linear fit, whichever its score.
struct Partial {
    estimate: Found,
    scores: Scores,
    /// Outcome and treatment, out of fold.
    hats: [Vec<f64>; 2],
    flags: Vec<FlagCount>,
    clusters: Clusters,
}

impl Partial {
    fn of<N>(fit: Fitted<N>, data: &Data, hats: impl Fn(&N) -> [Vec<f64>; 2]) -> anyhow::Result<Partial> {
        Ok(Partial {
            estimate: found(&fit, data)?,
            scores: fit.repeats[0].scores.clone(),
            hats: hats(&fit.repeats[0].nuisances),
            flags: fit.flags,
            clusters: fit.clusters,
        })
    }
}

pub(super) fn plr(args: &Estimate, data: &Data, params: &ValidDmlParams) -> anyhow::Result<Report> {
    let ml_l = means(args.learner_outcome, &data.y)?;
    let ml_m = means(args.treatment_learner(false), &data.d)?;
    let (rows, w) = (data.rows(), data.weights());
    let (y, d) = (&data.y, &data.d);
    let Partial {
        estimate,
        scores,
        hats: [l_hat, m_hat],
        flags,
        clusters,
    } = match args.score {
        ScoreArg::PartiallingOut => {
            let fit = fit(|watch| partially_linear(params, &rows, y, d, &*ml_l, &*ml_m, watch))?;
            Partial::of(fit, data, |n| [n.l_hat.clone(), n.m_hat.clone()])?
        }
        ScoreArg::IvType => {
            let ml_g = means(args.learner_outcome, &[f64::NAN])?;
            let fit =
                fit(|watch| partially_linear_iv_type(params, &rows, y, d, &*ml_l, &*ml_m, &*ml_g, watch))?;
            Partial::of(fit, data, |n| [n.l_hat.clone(), n.m_hat.clone()])?
        }
    };
    let strength = sensitivity::partially_linear(y, d, &l_hat, &m_hat, &w, &clusters)
        .map_err(|error| bad_input(error.to_string()))?;
    let (l, m) = (mean_fit(y, &l_hat, &w), mean_fit(d, &m_hat, &w));
    let mut report = Report::new(estimate, "overlap-weighted partially linear coefficient");
    report.nuisance = json!({
        "rmse_outcome": l.rmse, "r2_outcome": l.r2, "rmse_treatment": m.rmse, "r2_treatment": m.r2, "flags": flags,
    });
    report.sensitivity = of_sensitivity(args, &strength);
    report.doubt(&scores, &w, &clusters, &[]);
    Ok(report)
}

pub(super) fn irm(args: &Estimate, data: &Data, params: &ValidDmlParams) -> anyhow::Result<Report> {
    let ml_g = means(args.learner_outcome, &data.y)?;
    let ml_m = probabilities("--learner-treatment", "irm", args.treatment_learner(true))?;
    let source = PropensitySource::Learned(&*ml_m);
    let (y, d, estimand) = (&data.y, &data.d, args.estimand.into());
    let fit = fit(|watch| interactive(params, &data.rows(), y, d, estimand, source, &*ml_g, watch))?;
    let estimate = match &data.second {
        None => fit.estimate.clone(),
        Some(second) => fit.two_way(&Clusters::by_unit(second)).map_err(refused)?,
    };
    let repeat = &fit.repeats[0];
    let nuisances = &repeat.nuisances;
    let w = &fit.weights;
    let (table, arms) = two_arms(&nuisances.m, d);
    let predicted: Vec<f64> = (0..y.len())
        .map(|i| {
            if arms[i] == 1 {
                nuisances.g1[i]
            } else {
                nuisances.g0[i]
            }
        })
        .collect();
    let outcome = mean_fit(y, &predicted, w);
    let strength = sensitivity::interactive(y, d, nuisances, estimand, w, &fit.clusters)
        .map_err(|error| bad_input(error.to_string()))?;
    let name = match args.estimand {
        EstimandArg::Ate => "average effect",
        EstimandArg::Att => "average effect on the treated",
        EstimandArg::Atc => "average effect on the untreated",
        EstimandArg::Overlap => "overlap-weighted average effect",
    };
    let mut report = Report::new(estimate, name);
    report.nuisance = json!({ "rmse_outcome": outcome.rmse, "r2_outcome": outcome.r2, "flags": fit.flags });
    report.overlap = json!({
        "arms": overlap(table.view(), &arms, w, args.clip),
        "clip": nuisances.clip,
        "trim": fit.trim,
    });
    report.sensitivity = of_sensitivity(args, &strength);
    let arms = overlap(table.view(), &arms, w, EXTREME_PROPENSITY);
    report.doubt(&repeat.scores, w, &fit.clusters, &arms);
    if report.doubts.contains(&Doubt::Overlap) && args.estimand != EstimandArg::Overlap {
        let other = fit
            .of(y, d, EstimandArg::Overlap.into())
            .map_err(refused)?
            .estimate;
        report.overlap["overlap_weighted"] =
            json!({ "estimate": other.estimate, "std_error": other.std_error, "ci": other.ci(LEVEL) });
    }
    Ok(report)
}

/// Propensities of both arms, and the arm of each row.
fn two_arms(m: &[f64], d: &[f64]) -> (Array2<f64>, Vec<usize>) {
    let table = Array2::from_shape_fn((m.len(), 2), |(i, arm)| if arm == 1 { m[i] } else { 1.0 - m[i] });
    (table, d.iter().map(|d| *d as usize).collect())
}

/// What tells whether an instrument is one that intervals can rest on.
fn strength_of_instrument(
    report: &mut Report,
    scores: &Scores,
    w: &[f64],
    clusters: &Clusters,
) -> anyhow::Result<()> {
    let told = |error: ceteris_causal::inference::InferenceError| bad_input(error.to_string());
    let f = first_stage_f(scores, w, clusters).map_err(told)?;
    let set = anderson_rubin(scores, w, clusters, LEVEL).map_err(told)?;
    report.own.insert(
        "instrument".into(),
        json!({ "first_stage_f": f, "anderson_rubin": set }),
    );
    if f < WEAK_F {
        report.doubts.push(Doubt::WeakInstrument);
    }
    Ok(())
}

pub(super) fn pliv(args: &Estimate, data: &Data, params: &ValidDmlParams) -> anyhow::Result<Report> {
    let ml_l = means(args.learner_outcome, &data.y)?;
    let ml_r = means(args.treatment_learner(false), &data.d)?;
    let ml_m = means(args.instrument_learner(false), &data.z)?;
    let (y, d, z) = (&data.y, &data.d, &data.z);
    let rows = data.rows();
    let fit =
        fit(|watch| partially_linear_instrument(params, &rows, y, d, z, &*ml_l, &*ml_r, &*ml_m, watch))?;
    let (n, w) = (&fit.repeats[0].nuisances, &fit.weights);
    let fits = [(y, &n.l_hat), (d, &n.r_hat), (z, &n.m_hat)].map(|(v, hat)| mean_fit(v, hat, w));
    let mut report = Report::new(
        found(&fit, data)?,
        "partially linear coefficient through the instrument",
    );
    report.nuisance = json!({
        "rmse_outcome": fits[0].rmse, "rmse_treatment": fits[1].rmse, "rmse_instrument": fits[2].rmse,
        "flags": fit.flags,
    });
    report.doubt(&fit.repeats[0].scores, w, &fit.clusters, &[]);
    strength_of_instrument(&mut report, &fit.repeats[0].scores, w, &fit.clusters)?;
    Ok(report)
}

pub(super) fn iivm(args: &Estimate, data: &Data, params: &ValidDmlParams) -> anyhow::Result<Report> {
    let ml_g = means(args.learner_outcome, &data.y)?;
    let ml_r = probabilities("--learner-treatment", "iivm", args.treatment_learner(true))?;
    let ml_m = probabilities("--learner-instrument", "iivm", args.instrument_learner(true))?;
    let (y, d, z) = (&data.y, &data.d, &data.z);
    let seen = |at: f64, took: f64| z.iter().zip(d).any(|(z, d)| *z == at && *d == took);
    // Where nobody is seen to defy the instrument on one side, nobody is said to be able to.
    let compliance = Compliance {
        always_takers: seen(0.0, 1.0),
        never_takers: seen(1.0, 0.0),
    };
    let source = PropensitySource::Learned(&*ml_m);
    let rows = data.rows();
    let fit = fit(|watch| local_average(params, &rows, y, d, z, compliance, &*ml_g, &*ml_r, source, watch))?;
    let (n, w) = (&fit.repeats[0].nuisances, &fit.weights);
    let at = |of: &[Vec<f64>; 2], i: usize| of[usize::from(z[i] == 1.0)][i];
    let outcome: Vec<f64> = (0..y.len()).map(|i| at(&n.g, i)).collect();
    let treatment: Vec<f64> = (0..y.len()).map(|i| at(&n.r, i)).collect();
    let (table, groups) = two_arms(&n.m, z);
    let mut report = Report::new(
        found(&fit, data)?,
        "local average effect, on those whom the instrument moves",
    );
    report.nuisance = json!({
        "rmse_outcome": mean_fit(y, &outcome, w).rmse,
        "rmse_treatment": mean_fit(d, &treatment, w).rmse,
        "flags": fit.flags,
    });
    report.overlap = json!({ "arms": overlap(table.view(), &groups, w, args.clip), "clip": n.clip });
    let thin = overlap(table.view(), &groups, w, EXTREME_PROPENSITY);
    report.doubt(&fit.repeats[0].scores, w, &fit.clusters, &thin);
    strength_of_instrument(&mut report, &fit.repeats[0].scores, w, &fit.clusters)?;
    report.own["instrument"]["always_takers"] = json!(compliance.always_takers);
    report.own["instrument"]["never_takers"] = json!(compliance.never_takers);
    Ok(report)
}

pub(super) fn through_mediators(
    args: &Estimate,
    data: &Data,
    params: &ValidDmlParams,
) -> anyhow::Result<Report> {
    let ml_y = means(args.learner_outcome, &[f64::NAN])?;
    let ml_d = probabilities("--learner-treatment", "frontdoor", args.treatment_learner(true))?;
    let (y, d) = (&data.y, &data.d);
    let (rows, through) = (data.rows(), &data.mediators);
    let fit = fit(|watch| front_door(params, &rows, y, d, through, &*ml_y, &*ml_d, watch))?;
    let (n, w) = (&fit.repeats[0].nuisances, &fit.weights);
    let m: Vec<f64> = n.rows.iter().map(|r| r.m).collect();
    let (table, arms) = two_arms(&m, d);
    let predicted: Vec<f64> = n.rows.iter().zip(&arms).map(|(r, arm)| r.mu[*arm]).collect();
    let mut report = Report::new(found(&fit, data)?, "average effect through the mediators");
    report.nuisance = json!({ "rmse_outcome": mean_fit(y, &predicted, w).rmse, "flags": fit.flags });
    report.overlap = json!({
        "arms": overlap(table.view(), &arms, w, args.clip),
        "clip": n.clip_m,
        "clip_given_mediators": n.clip_q,
    });
    let thin = overlap(table.view(), &arms, w, EXTREME_PROPENSITY);
    report.doubt(&fit.repeats[0].scores, w, &fit.clusters, &thin);
    Ok(report)
}

pub(super) fn neighbours(args: &Estimate, data: &Data) -> anyhow::Result<Report> {
    let (estimand, name) = match args.estimand {
        EstimandArg::Att => (MatchedEstimand::Att, "average effect on the treated"),
        EstimandArg::Atc => (MatchedEstimand::Atc, "average effect on the untreated"),
        EstimandArg::Ate | EstimandArg::Overlap => (MatchedEstimand::Ate, "average effect"),
    };
    let params = MatchingParams {
        estimand,
        neighbours: args.neighbours as usize,
        ..MatchingParams::default()
    };
    let fit = matching(&params, &data.rows(), &data.y, &data.d).map_err(refused)?;
    let effects: Vec<f64> = fit.matches.iter().map(|m| m.effect).collect();
    let mut report = Report::new(fit.estimate, name);
    report.nuisance = json!({ "matches": fit.matches.len() });
    report.sensitivity = json!({ "rosenbaum_gamma": rosenbaum_gamma(&effects, 1.0 - LEVEL) });
    Ok(report)
}
