//! Choosing among learners: each is fitted outside a fold and scored inside it.

use ceteris_effect::EffectLearner;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::fit::{Owned, fit_effects};
use super::stages::Stages;
use super::{EffectError, EffectSample, LearnerParams, held_out_scores};
use crate::crossfit::CrossFitError;
use crate::dml::DmlError;
use crate::evaluate::{dr_score, r_score};
use crate::progress::Watch;
use crate::sample::Folds;

/// How a learner did on held-out rows: the mean over folds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The learner.
    pub learner: EffectLearner,
    /// See [`r_score`]; the one to choose by.
    pub r_score: f64,
    /// See [`dr_score`], the mean over arms; none for a dose.
    pub dr_score: Option<f64>,
}

/// Fits each learner outside each of `folds` folds of whole units, scores it inside, and gives the learners best first
/// by R-score. Learners that cannot take a dose are left out where the treatment is one.
///
/// # Errors
/// Whatever a fit or its nuisances answer.
pub fn compare(
    learners: &[EffectLearner],
    params: &LearnerParams<'_>,
    sample: &EffectSample<'_>,
    folds: usize,
    watch: Watch<'_>,
) -> Result<Vec<Compared>, EffectError> {
    let strata = sample.d.arms().map_or(&[][..], |arms| arms.of_row);
    let cut = Folds::by_unit(sample.unit, strata, folds, params.seed)
        .map_err(|error| DmlError::from(CrossFitError::from(error)))?;
    let able = |l: &&EffectLearner| sample.d.arms().is_some() || l.takes_dose();
    let mut found: Vec<Compared> = learners
        .iter()
        .filter(able)
        .map(|&learner| Compared {
            learner,
            r_score: 0.0,
            dr_score: sample.d.arms().map(|_| 0.0),
        })
        .collect();
    let k = sample.d.effects();
    let stages = Stages::new(watch, folds * (1 + found.len()));
    for fold in 0..folds {
        let train = Owned::select(sample, &cut.training(fold));
        let held = Owned::select(sample, &cut.held_out(fold));
        let scores = stages.next(|watch| held_out_scores(params, &held.sample(), watch))?;
        for one in &mut found {
            let model = stages.next(|watch| fit_effects(one.learner, params, &train.sample(), watch))?;
            let effects = model.predict_all(&held.x)?;
            let tau = Array2::from_shape_fn((held.y.len(), k), |(i, a)| effects[i * k + a].tau);
            one.r_score += r_score(&scores.y, scores.d.view(), tau.view(), &held.w)? / folds as f64;
            if let (Some(total), Some(gamma)) = (&mut one.dr_score, &scores.gamma) {
                for a in 0..k {
                    let of = |m: &Array2<f64>| m.column(a).to_vec();
                    *total += dr_score(&of(gamma), &of(&tau), &held.w)? / (folds * k) as f64;
                }
            }
        }
    }
    found.sort_by(|a, b| b.r_score.total_cmp(&a.r_score));
    Ok(found)
}
