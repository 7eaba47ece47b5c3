//! The partially linear model: one coefficient, weighted by overlap, by either of its scores.

use ceteris_estimate::diagnose::nuisance::mean_fit;
use ceteris_estimate::diagnose::sensitivity::partially_linear as strength_of;
use ceteris_estimate::dml::{
    Fitted, IvTypeLearners, PartiallyLinearLearners, ValidDmlParams, partially_linear,
    partially_linear_iv_type,
};
use ceteris_estimate::inference::Estimate as Found;
use ceteris_estimate::score::{Observed, PartiallyLinearNuisances, Scores};
use ceteris_estimate::{FlagCount, Watch};
use ceteris_stats::Clusters;

use super::{found, sensitivity};
use crate::StudyError;
use crate::error::question;
use crate::estimate::learners::{means, refused};
use crate::estimate::question::{EstimateQuestion, PlrScore};
use crate::estimate::report::{Answer, NuisanceFit};
use crate::estimate::rows::EstimateRows;

/// What is told of a partially linear fit, whichever its score.
struct Partial {
    estimate: Found,
    scores: Scores,
    /// Outcome and treatment, out of fold.
    hats: PartiallyLinearNuisances,
    flags: Vec<FlagCount>,
    clusters: Clusters,
}

impl Partial {
    fn of<N>(
        fit: Fitted<N>,
        sample: &EstimateRows,
        hats: impl Fn(&N) -> PartiallyLinearNuisances,
    ) -> Result<Partial, StudyError> {
        Ok(Partial {
            estimate: found(&fit, sample)?,
            scores: fit.repeats[0].scores.clone(),
            hats: hats(&fit.repeats[0].nuisances),
            flags: fit.flags,
            clusters: fit.clusters,
        })
    }
}

pub(in crate::estimate) fn plr(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let ml_l = means(asked.learner_outcome, &sample.y)?;
    let ml_m = means(asked.treatment_learner(false), &sample.d)?;
    let w = sample.weights();
    let (y, d) = (&sample.y, &sample.d);
    let Partial {
        estimate,
        scores,
        hats,
        flags,
        clusters,
    } = match asked.score {
        PlrScore::PartiallingOut => {
            let learners = PartiallyLinearLearners { l: &*ml_l, m: &*ml_m };
            let fit = partially_linear(params, &sample.sample(), learners, watch).map_err(refused)?;
            Partial::of(fit, sample, PartiallyLinearNuisances::clone)?
        }
        PlrScore::IvType => {
            let ml_g = means(asked.learner_outcome, &[f64::NAN])?;
            let learners = IvTypeLearners {
                l: &*ml_l,
                m: &*ml_m,
                g: &*ml_g,
            };
            let fit = partially_linear_iv_type(params, &sample.sample(), learners, watch).map_err(refused)?;
            Partial::of(fit, sample, |n| PartiallyLinearNuisances {
                l_hat: n.l_hat.clone(),
                m_hat: n.m_hat.clone(),
            })?
        }
    };
    let strength =
        strength_of(Observed { y, d }, &hats, &w, &clusters).map_err(|error| question(error.to_string()))?;
    let (l, m) = (mean_fit(y, &hats.l_hat, &w), mean_fit(d, &hats.m_hat, &w));
    let mut answer = Answer::new(estimate, "overlap-weighted partially linear coefficient");
    answer.nuisance = NuisanceFit {
        rmse_outcome: Some(l.rmse),
        r2_outcome: Some(l.r2),
        rmse_treatment: Some(m.rmse),
        r2_treatment: Some(m.r2),
        flags: Some(flags),
        ..NuisanceFit::default()
    };
    answer.sensitivity = Some(sensitivity(asked, &strength));
    answer.doubt(&scores, &w, &clusters, &[]);
    Ok(answer)
}
