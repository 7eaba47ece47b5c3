//! The curve of a continuous treatment: its effect from dose to dose.

use ceteris_causal::diagnose::doubt::doubts_of_influence;
use ceteris_causal::diagnose::nuisance::mean_fit;
use ceteris_causal::dml::{FittedDose, ValidDmlParams, dose_response};
use ceteris_causal::inference::{BootstrapParams, wald};
use ceteris_causal::learner::NumericBasis;
use serde_json::{Value, json};

use super::args::{DoseArgs, DoseBasisArg, Estimate};
use super::data::Data;
use super::learners::{means, refused};
use super::methods::fit;
use super::report::{LEVEL, Report};
use crate::output::bad_input;

/// Highest power where none is given.
const DEGREE: u32 = 3;
/// Knots where none are given.
const KNOTS: u32 = 5;
/// By how much of the weight a sum may miss a quantile's mark and still meet it.
const ROUNDING: f64 = 1e-9;
/// Quantiles of the doses that the curve is told at where none are given; the median is its reference.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

pub(super) fn dose(args: &Estimate, data: &Data, params: &ValidDmlParams) -> anyhow::Result<Report> {
    let seen = Doses::of(data);
    let (at, from) = seen.asked(&args.dose)?;
    let (low, high) = seen.quartiles();
    let ml_l = means(args.learner_outcome, &data.y)?;
    // The terms of a dose are no zeros and ones, whatever the dose is.
    let ml_m = means(args.treatment_learner(false), &[f64::NAN])?;
    let (rows, y, d) = (data.rows(), &data.y, &data.d);
    let basis = basis(&args.dose);
    let fitted = fit(|watch| dose_response(params, &rows, y, d, basis, &*ml_l, &*ml_m, watch))?;
    let contrast = fitted.curve(&[high], low).map_err(refused)?;
    let found = contrast.one(0);
    let mut report = Report::new(
        found,
        format!("overlap-weighted average effect of dose {high} against dose {low}"),
    );
    let influence = contrast.influence_on(&[1.0]);
    report.doubts = doubts_of_influence(&contrast.one(0), &influence, &[]);
    report.nuisance = nuisance(data, &fitted);
    let (least, largest) = seen.ends();
    let joint = fitted.coefficients();
    let null = vec![0.0; joint.len()];
    for (name, value) in [
        ("contrast", json!({ "dose": high, "from": low })),
        ("from", json!(from)),
        ("curve", curve(args, &fitted, &at, from)?),
        ("support", json!([least, largest])),
        (
            "no_effect",
            json!(wald(joint.estimates(), &null, joint.covariance().view())),
        ),
    ] {
        report.own.insert(name.into(), value);
    }
    Ok(report)
}

fn basis(args: &DoseArgs) -> NumericBasis {
    match args.dose_basis {
        Some(DoseBasisArg::Polynomial) => NumericBasis::Polynomial {
            degree: args.dose_degree.unwrap_or(DEGREE) as usize,
        },
        Some(DoseBasisArg::Spline) | None => NumericBasis::Spline {
            knots: args.dose_knots.unwrap_or(KNOTS) as usize,
        },
    }
}

/// The effect of each dose against one, with an interval of its own and one that holds for all of them at once.
fn curve(args: &Estimate, fitted: &FittedDose, at: &[f64], from: f64) -> anyhow::Result<Value> {
    let joint = fitted.curve(at, from).map_err(refused)?;
    let draws = BootstrapParams {
        seed: args.seed,
        ..BootstrapParams::default()
    };
    let bands = joint.bootstrap(&draws).joint_bands(LEVEL);
    let point = |(j, band): (usize, [f64; 2])| {
        let one = joint.one(j);
        json!({
            "dose": at[j],
            "effect": one.estimate,
            "std_error": one.std_error,
            "ci": one.ci(LEVEL),
            "joint_ci": band,
        })
    };
    Ok(bands.into_iter().enumerate().map(point).collect())
}

fn nuisance(data: &Data, fitted: &FittedDose) -> Value {
    let (n, w) = (&fitted.nuisances, data.weights());
    let outcome = mean_fit(&data.y, &n.l_hat, &w);
    let terms = n.phi.columns().into_iter().zip(n.m_hat.columns());
    let r2: Vec<f64> = terms
        .map(|(phi, hat)| mean_fit(&phi.to_vec(), &hat.to_vec(), &w).r2)
        .collect();
    json!({
        "rmse_outcome": outcome.rmse,
        "r2_outcome": outcome.r2,
        "r2_dose_terms": r2,
        "flags": fitted.flags,
    })
}

/// The doses that rows of weight had, from least to largest, each with its share of the weight.
struct Doses(Vec<(f64, f64)>);

impl Doses {
    fn of(data: &Data) -> Doses {
        let total: f64 = data.weights().iter().sum();
        let mut doses: Vec<(f64, f64)> = data.d.iter().copied().zip(data.weights()).collect();
        doses.retain(|(_, w)| *w > 0.0);
        doses.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        doses.iter_mut().for_each(|(_, w)| *w /= total);
        Doses(doses)
    }

    /// Least and largest.
    fn ends(&self) -> (f64, f64) {
        let end = |of: Option<&(f64, f64)>| of.map_or(f64::NAN, |(d, _)| *d);
        (end(self.0.first()), end(self.0.last()))
    }

    /// The least dose that at least this share of the weight does not exceed.
    fn quantile(&self, share: f64) -> f64 {
        let mut below = 0.0;
        let reached = self.0.iter().find(|(_, w)| {
            below += w;
            below >= share - ROUNDING
        });
        reached.map_or(self.ends().1, |(d, _)| *d)
    }

    /// The quartiles that the estimate is a contrast of; the ends where half of the rows had one dose.
    fn quartiles(&self) -> (f64, f64) {
        let (low, high) = (self.quantile(0.25), self.quantile(0.75));
        if low < high { (low, high) } else { self.ends() }
    }

    /// The doses of the curve and the one they are against: as asked for inside what was seen, else by default.
    fn asked(&self, args: &DoseArgs) -> anyhow::Result<(Vec<f64>, f64)> {
        let (least, largest) = self.ends();
        for (flag, dose) in args
            .at
            .iter()
            .map(|dose| ("--at", *dose))
            .chain(args.from.map(|dose| ("--from", dose)))
        {
            if !(least..=largest).contains(&dose) {
                return Err(bad_input(format!(
                    "{flag} {dose}: no such dose was seen; name doses from {least} to {largest}"
                )));
            }
        }
        let from = args.from.unwrap_or_else(|| self.quantile(0.5));
        if !args.at.is_empty() {
            return Ok((args.at.clone(), from));
        }
        let mut at: Vec<f64> = QUANTILES.iter().map(|share| self.quantile(*share)).collect();
        at.dedup();
        Ok((at, from))
    }
}
