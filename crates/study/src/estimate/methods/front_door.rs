//! The average effect of a binary treatment through mediators.

use ceteris_estimate::Watch;
use ceteris_estimate::diagnose::doubt::EXTREME_PROPENSITY;
use ceteris_estimate::diagnose::nuisance::mean_fit;
use ceteris_estimate::diagnose::overlap::overlap;
use ceteris_estimate::dml::{FrontDoorLearners, ValidDmlParams, front_door};

use super::{found, two_arms};
use crate::StudyError;
use crate::estimate::learners::{means, probabilities, refused};
use crate::estimate::question::EstimateQuestion;
use crate::estimate::report::{Answer, NuisanceFit, Overlap};
use crate::estimate::rows::EstimateRows;

pub(in crate::estimate) fn through_mediators(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let ml_y = means(asked.learner_outcome, &[f64::NAN])?;
    let ml_d = probabilities("--learner-treatment", "frontdoor", asked.treatment_learner(true))?;
    let (y, d) = (&sample.y, &sample.d);
    let learners = FrontDoorLearners { y: &*ml_y, d: &*ml_d };
    let fit = front_door(params, &sample.sample(), &sample.mediators, learners, watch).map_err(refused)?;
    let (n, w) = (&fit.repeats[0].nuisances, &fit.weights);
    let m: Vec<f64> = n.rows.iter().map(|r| r.m).collect();
    let (table, arms) = two_arms(&m, d);
    let predicted: Vec<f64> = n.rows.iter().zip(&arms).map(|(r, arm)| r.mu[*arm]).collect();
    let mut answer = Answer::new(found(&fit, sample)?, "average effect through the mediators");
    answer.nuisance = NuisanceFit {
        rmse_outcome: Some(mean_fit(y, &predicted, w).rmse),
        flags: Some(fit.flags.clone()),
        ..NuisanceFit::default()
    };
    answer.overlap = Some(Overlap::FrontDoor {
        arms: overlap(table.view(), &arms, w, asked.clip),
        clip: n.clip_m.clone(),
        clip_given_mediators: n.clip_q.clone(),
    });
    let thin = overlap(table.view(), &arms, w, EXTREME_PROPENSITY);
    answer.doubt(&fit.repeats[0].scores, w, &fit.clusters, &thin);
    Ok(answer)
}
