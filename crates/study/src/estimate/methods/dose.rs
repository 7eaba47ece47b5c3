//! The curve of a continuous treatment: its effect from dose to dose.

use ceteris_estimate::Watch;
use ceteris_estimate::diagnose::doubt::doubts_of_influence;
use ceteris_estimate::diagnose::nuisance::mean_fit;
use ceteris_estimate::dml::{FittedDose, PartiallyLinearLearners, ValidDmlParams, dose_response};
use ceteris_estimate::inference::BootstrapParams;
use ceteris_estimate::learner::NumericBasis;
use ceteris_stats::wald;

use crate::error::question;
use crate::estimate::learners::{means, refused};
use crate::estimate::question::{DoseBasis, DoseQuestion, EstimateQuestion};
use crate::estimate::report::{Answer, DoseContrast, DoseCurve, DosePoint, NuisanceFit};
use crate::estimate::rows::EstimateRows;
use crate::{LEVEL, StudyError};

/// Highest power where none is given.
const DEGREE: u32 = 3;
/// Knots where none are given.
const KNOTS: u32 = 5;
/// By how much of the weight a sum may miss a quantile's mark and still meet it.
const ROUNDING: f64 = 1e-9;
/// Quantiles of the doses that the curve is told at where none are given; the median is its reference.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

pub(in crate::estimate) fn dose(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let seen = Doses::of(sample);
    let (at, from) = seen.asked(&asked.dose)?;
    let (low, high) = seen.quartiles();
    let ml_l = means(asked.learner_outcome, &sample.y)?;
    // The terms of a dose are no zeros and ones, whatever the dose is.
    let ml_m = means(asked.treatment_learner(false), &[f64::NAN])?;
    let learners = PartiallyLinearLearners { l: &*ml_l, m: &*ml_m };
    let basis = basis(&asked.dose);
    let fitted = dose_response(params, &sample.sample(), basis, learners, watch).map_err(refused)?;
    let contrast = fitted.curve(&[high], low).map_err(refused)?;
    let mut answer = Answer::new(
        contrast.one(0),
        format!("overlap-weighted average effect of dose {high} against dose {low}"),
    );
    let influence = contrast.influence_on(&[1.0]);
    answer.doubts = doubts_of_influence(&contrast.one(0), &influence, &[]);
    answer.nuisance = nuisance(sample, &fitted);
    let (least, largest) = seen.ends();
    let joint = fitted.coefficients();
    let null = vec![0.0; joint.len()];
    answer.curve = Some(DoseCurve {
        contrast: DoseContrast {
            dose: high,
            from: low,
        },
        from,
        curve: curve(asked, &fitted, &at, from)?,
        support: [least, largest],
        no_effect: wald(joint.estimates(), &null, joint.covariance().view()),
    });
    Ok(answer)
}

fn basis(asked: &DoseQuestion) -> NumericBasis {
    match asked.basis {
        Some(DoseBasis::Polynomial) => NumericBasis::Polynomial {
            degree: asked.degree.unwrap_or(DEGREE) as usize,
        },
        Some(DoseBasis::Spline) | None => NumericBasis::Spline {
            knots: asked.knots.unwrap_or(KNOTS) as usize,
        },
    }
}

/// The effect of each dose against one, with an interval of its own and one that holds for all of them at once.
fn curve(
    asked: &EstimateQuestion,
    fitted: &FittedDose,
    at: &[f64],
    from: f64,
) -> Result<Vec<DosePoint>, StudyError> {
    let joint = fitted.curve(at, from).map_err(refused)?;
    let draws = BootstrapParams {
        seed: asked.seed,
        ..BootstrapParams::default()
    };
    let bands = joint.bootstrap(&draws).joint_bands(LEVEL);
    let point = |(j, joint_ci): (usize, [f64; 2])| {
        let one = joint.one(j);
        DosePoint {
            dose: at[j],
            effect: one.estimate,
            std_error: one.std_error,
            ci: one.ci(LEVEL),
            joint_ci,
        }
    };
    Ok(bands.into_iter().enumerate().map(point).collect())
}

fn nuisance(sample: &EstimateRows, fitted: &FittedDose) -> NuisanceFit {
    let (n, w) = (&fitted.nuisances, sample.weights());
    let outcome = mean_fit(&sample.y, &n.l_hat, &w);
    let terms = n.phi.columns().into_iter().zip(n.m_hat.columns());
    let r2: Vec<f64> = terms
        .map(|(phi, hat)| mean_fit(&phi.to_vec(), &hat.to_vec(), &w).r2)
        .collect();
    NuisanceFit {
        rmse_outcome: Some(outcome.rmse),
        r2_outcome: Some(outcome.r2),
        r2_dose_terms: Some(r2),
        flags: Some(fitted.flags.clone()),
        ..NuisanceFit::default()
    }
}

/// The doses that rows of weight had, from least to largest, each with its share of the weight.
struct Doses(Vec<(f64, f64)>);

impl Doses {
    fn of(sample: &EstimateRows) -> Doses {
        let total: f64 = sample.weights().iter().sum();
        let mut doses: Vec<(f64, f64)> = sample.d.iter().copied().zip(sample.weights()).collect();
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
    fn asked(&self, asked: &DoseQuestion) -> Result<(Vec<f64>, f64), StudyError> {
        let (least, largest) = self.ends();
        for (flag, dose) in asked
            .at
            .iter()
            .map(|dose| ("--at", *dose))
            .chain(asked.from.map(|dose| ("--from", dose)))
        {
            if !(least..=largest).contains(&dose) {
                return Err(question(format!(
                    "{flag} {dose}: no such dose was seen; name doses from {least} to {largest}"
                )));
            }
        }
        let from = asked.from.unwrap_or_else(|| self.quantile(0.5));
        if !asked.at.is_empty() {
            return Ok((asked.at.clone(), from));
        }
        let mut at: Vec<f64> = QUANTILES.iter().map(|share| self.quantile(*share)).collect();
        at.dedup();
        Ok((at, from))
    }
}
