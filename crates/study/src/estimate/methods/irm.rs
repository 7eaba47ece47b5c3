//! The interactive model of two arms: effects vary freely with the covariates.

use ceteris_estimate::diagnose::doubt::{Doubt, EXTREME_PROPENSITY};
use ceteris_estimate::diagnose::nuisance::mean_fit;
use ceteris_estimate::diagnose::overlap::overlap;
use ceteris_estimate::diagnose::sensitivity::interactive as strength_of;
use ceteris_estimate::dml::{ArmLearners, Estimand, ValidDmlParams, interactive};
use ceteris_estimate::score::Observed;
use ceteris_estimate::{PropensitySource, Watch};

use super::{sensitivity, two_arms};
use crate::error::question;
use crate::estimate::learners::{means, probabilities, refused};
use crate::estimate::question::EstimateQuestion;
use crate::estimate::report::{Answer, NuisanceFit, Overlap, OverlapWeighted};
use crate::estimate::rows::EstimateRows;
use crate::{LEVEL, StudyError};

pub(in crate::estimate) fn irm(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let ml_g = means(asked.learner_outcome, &sample.y)?;
    let ml_m = probabilities("--learner-treatment", "irm", asked.treatment_learner(true))?;
    let learners = ArmLearners {
        g: &*ml_g,
        m: PropensitySource::Learned(&*ml_m),
    };
    let (y, d, estimand) = (&sample.y, &sample.d, asked.estimand);
    let fit = interactive(params, &sample.sample(), estimand, learners, watch).map_err(refused)?;
    let estimate = match sample.second {
        None => fit.estimate.clone(),
        Some(_) => fit.two_way().map_err(refused)?,
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
    let strength = strength_of(Observed { y, d }, nuisances, estimand, w, &fit.clusters)
        .map_err(|error| question(error.to_string()))?;
    let name = match estimand {
        Estimand::Ate => "average effect",
        Estimand::Att => "average effect on the treated",
        Estimand::Atc => "average effect on the untreated",
        Estimand::Overlap => "overlap-weighted average effect",
    };
    let mut answer = Answer::new(estimate, name);
    answer.nuisance = NuisanceFit {
        rmse_outcome: Some(outcome.rmse),
        r2_outcome: Some(outcome.r2),
        flags: Some(fit.flags.clone()),
        ..NuisanceFit::default()
    };
    answer.sensitivity = Some(sensitivity(asked, &strength));
    let thin = overlap(table.view(), &arms, w, EXTREME_PROPENSITY);
    answer.doubt(&repeat.scores, w, &fit.clusters, &thin);
    let overlap_weighted = if answer.doubts.contains(&Doubt::Overlap) && estimand != Estimand::Overlap {
        let other = fit
            .of(&sample.sample(), Estimand::Overlap)
            .map_err(refused)?
            .estimate;
        Some(OverlapWeighted {
            estimate: other.estimate,
            std_error: other.std_error,
            ci: other.ci(LEVEL),
        })
    } else {
        None
    };
    answer.overlap = Some(Overlap::TwoArms {
        arms: overlap(table.view(), &arms, w, asked.clip),
        clip: nuisances.clip.clone(),
        trim: fit.trim.clone(),
        overlap_weighted,
    });
    Ok(answer)
}
