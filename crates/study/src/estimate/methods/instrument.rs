//! Through an instrument: the partially linear coefficient, and the local average effect.

use ceteris_estimate::diagnose::doubt::{Doubt, EXTREME_PROPENSITY};
use ceteris_estimate::diagnose::nuisance::mean_fit;
use ceteris_estimate::diagnose::overlap::overlap;
use ceteris_estimate::dml::{
    Compliance, InstrumentLearners, LocalAverageLearners, ValidDmlParams, local_average,
    partially_linear_instrument,
};
use ceteris_estimate::inference::{WEAK_F, anderson_rubin, first_stage_f};
use ceteris_estimate::score::Scores;
use ceteris_estimate::{PropensitySource, Watch};
use ceteris_stats::Clusters;

use super::{found, two_arms};
use crate::error::question;
use crate::estimate::learners::{means, probabilities, refused};
use crate::estimate::question::EstimateQuestion;
use crate::estimate::report::{Answer, InstrumentStrength, NuisanceFit, Overlap};
use crate::estimate::rows::EstimateRows;
use crate::{LEVEL, StudyError};

/// The instrument, which a question by these methods names.
fn instrument(sample: &EstimateRows) -> Result<&[f64], StudyError> {
    let missing = || question("--instrument: is needed");
    sample.z.as_deref().ok_or_else(missing)
}

/// What tells whether an instrument is one that intervals can rest on; a weak one is a doubt.
fn strength_of_instrument(
    answer: &mut Answer,
    scores: &Scores,
    w: &[f64],
    clusters: &Clusters,
    compliance: Option<Compliance>,
) -> Result<(), StudyError> {
    let first_stage_f = first_stage_f(scores, w, clusters)?;
    answer.instrument = Some(InstrumentStrength {
        first_stage_f,
        anderson_rubin: anderson_rubin(scores, w, clusters, LEVEL)?,
        always_takers: compliance.map(|c| c.always_takers),
        never_takers: compliance.map(|c| c.never_takers),
    });
    if first_stage_f < WEAK_F {
        answer.doubts.push(Doubt::WeakInstrument);
    }
    Ok(())
}

pub(in crate::estimate) fn pliv(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let ml_l = means(asked.learner_outcome, &sample.y)?;
    let ml_r = means(asked.treatment_learner(false), &sample.d)?;
    let (y, d, z) = (&sample.y, &sample.d, instrument(sample)?);
    let ml_m = means(asked.instrument_learner(false), z)?;
    let learners = InstrumentLearners {
        l: &*ml_l,
        r: &*ml_r,
        m: &*ml_m,
    };
    let fit = partially_linear_instrument(params, &sample.sample(), learners, watch).map_err(refused)?;
    let (n, w) = (&fit.repeats[0].nuisances, &fit.weights);
    let fits = [(&y[..], &n.l_hat), (&d[..], &n.r_hat), (z, &n.m_hat)].map(|(v, hat)| mean_fit(v, hat, w));
    let mut answer = Answer::new(
        found(&fit, sample)?,
        "partially linear coefficient through the instrument",
    );
    answer.nuisance = NuisanceFit {
        rmse_outcome: Some(fits[0].rmse),
        rmse_treatment: Some(fits[1].rmse),
        rmse_instrument: Some(fits[2].rmse),
        flags: Some(fit.flags.clone()),
        ..NuisanceFit::default()
    };
    answer.doubt(&fit.repeats[0].scores, w, &fit.clusters, &[]);
    strength_of_instrument(&mut answer, &fit.repeats[0].scores, w, &fit.clusters, None)?;
    Ok(answer)
}

pub(in crate::estimate) fn iivm(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let ml_g = means(asked.learner_outcome, &sample.y)?;
    let ml_r = probabilities("--learner-treatment", "iivm", asked.treatment_learner(true))?;
    let ml_m = probabilities("--learner-instrument", "iivm", asked.instrument_learner(true))?;
    let (y, d, z) = (&sample.y, &sample.d, instrument(sample)?);
    let seen = |at: f64, took: f64| z.iter().zip(d).any(|(z, d)| *z == at && *d == took);
    // Where nobody is seen to defy the instrument on one side, nobody is said to be able to.
    let compliance = Compliance {
        always_takers: seen(0.0, 1.0),
        never_takers: seen(1.0, 0.0),
    };
    let learners = LocalAverageLearners {
        g: &*ml_g,
        r: &*ml_r,
        m: PropensitySource::Learned(&*ml_m),
    };
    let fit = local_average(params, &sample.sample(), compliance, learners, watch).map_err(refused)?;
    let (n, w) = (&fit.repeats[0].nuisances, &fit.weights);
    let at = |of: &[Vec<f64>; 2], i: usize| of[usize::from(z[i] == 1.0)][i];
    let outcome: Vec<f64> = (0..y.len()).map(|i| at(&n.g, i)).collect();
    let treatment: Vec<f64> = (0..y.len()).map(|i| at(&n.r, i)).collect();
    let (table, groups) = two_arms(&n.m, z);
    let mut answer = Answer::new(
        found(&fit, sample)?,
        "local average effect, on those whom the instrument moves",
    );
    answer.nuisance = NuisanceFit {
        rmse_outcome: Some(mean_fit(y, &outcome, w).rmse),
        rmse_treatment: Some(mean_fit(d, &treatment, w).rmse),
        flags: Some(fit.flags.clone()),
        ..NuisanceFit::default()
    };
    answer.overlap = Some(Overlap::Instrument {
        arms: overlap(table.view(), &groups, w, asked.clip),
        clip: n.clip.clone(),
    });
    let thin = overlap(table.view(), &groups, w, EXTREME_PROPENSITY);
    let scores = &fit.repeats[0].scores;
    answer.doubt(scores, w, &fit.clusters, &thin);
    strength_of_instrument(&mut answer, scores, w, &fit.clusters, Some(compliance))?;
    Ok(answer)
}
