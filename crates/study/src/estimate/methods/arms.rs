//! Several arms against one control: doubly robust averages with joint intervals and adjusted p-values. Two arms are in
//! [`super::irm`].

use std::collections::BTreeSet;

use ceteris_estimate::diagnose::doubt::{Doubt, EXTREME_PROPENSITY, doubts};
use ceteris_estimate::diagnose::nuisance::mean_fit;
use ceteris_estimate::diagnose::overlap::overlap;
use ceteris_estimate::dml::{ArmLearners, DmlError, FittedMultiArm, ValidDmlParams, multi_arm};
use ceteris_estimate::inference::{BootstrapParams, Estimate as Found, Joint};
use ceteris_estimate::score::Scores;
use ceteris_estimate::{CrossFitError, PropensitySource, Watch};
use ceteris_stats::{holm, wald};
use ndarray::{ArrayView1, Axis};

use crate::error::question;
use crate::estimate::learners::{means, probabilities, refused};
use crate::estimate::question::EstimateQuestion;
use crate::estimate::report::{
    Answer, ArmEffect, NamedOverlap, NuisanceFit, Overlap, PotentialMean, SeveralArms,
};
use crate::estimate::rows::EstimateRows;
use crate::treatment::Arms;
use crate::{LEVEL, StudyError};

pub(in crate::estimate) fn irm(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
    arms: &Arms,
    params: &ValidDmlParams,
    watch: Watch<'_>,
) -> Result<Answer, StudyError> {
    let ml_g = means(asked.learner_outcome, &sample.y)?;
    let ml_m = probabilities("--learner-treatment", "irm", asked.treatment_learner(true))?;
    let learners = ArmLearners {
        g: &*ml_g,
        m: PropensitySource::Learned(&*ml_m),
    };
    let n_arms = arms.names.len() + 1;
    let had = ceteris_estimate::Arms {
        of_row: &arms.of_row,
        count: n_arms,
    };
    let outcome = ArrayView1::from(&sample.y).insert_axis(Axis(1));
    let fit = multi_arm(params, &sample.sample().with(had, outcome), learners, watch)
        .map_err(|error| thin(error, asked, arms))?;
    let joint = joint(&fit)?;
    let found = (1..n_arms)
        .map(|arm| fit.ate(0, arm, 0).map_err(refused))
        .collect::<Result<Vec<Found>, StudyError>>()?;
    let mut answer = Answer::of_several(&joint.one(0), "average effect");
    let repeat = &fit.repeats[0];
    let at_own: Vec<f64> = (0..sample.y.len())
        .map(|i| repeat.g_hat[0][[i, arms.of_row[i]]])
        .collect();
    let outcome = mean_fit(&sample.y, &at_own, &fit.weights);
    answer.nuisance = NuisanceFit {
        rmse_outcome: Some(outcome.rmse),
        r2_outcome: Some(outcome.r2),
        flags: Some(fit.flags.clone()),
        ..NuisanceFit::default()
    };
    answer.overlap = Some(overlap_by_name(asked, arms, &fit));
    let flags = flags(&found, &fit, arms);
    let all: BTreeSet<Doubt> = flags.iter().flatten().copied().collect();
    answer.doubts = all.into_iter().collect();
    let null = vec![0.0; joint.len()];
    answer.arms = Some(SeveralArms {
        control: arms.control.clone(),
        arms: by_arm(asked, arms, &found, &joint, flags),
        means: potential_means(arms, &fit)?,
        no_effect: wald(joint.estimates(), &null, joint.covariance().view()),
    });
    Ok(answer)
}

/// An arm with too few rows is told by its name.
fn thin(error: DmlError, asked: &EstimateQuestion, arms: &Arms) -> StudyError {
    let DmlError::CrossFit(CrossFitError::ThinArm { arm, fold, rows }) = error else {
        return refused(error);
    };
    let name = arm.checked_sub(1).map_or(&arms.control, |arm| &arms.names[arm]);
    question(format!(
        "--treatment {}: {name} has {rows} rows to learn from outside fold {fold}; merge it with another value or leave \
         its rows out",
        asked.treatment
    ))
}

/// All arms against control, jointly.
fn joint(fit: &FittedMultiArm) -> Result<Joint, StudyError> {
    let scores: Vec<Scores> = (1..fit.n_arms)
        .map(|arm| Scores::mean_of(fit.gamma(0, arm, 0)))
        .collect();
    Joint::of_scores(&scores, &fit.weights, &fit.clusters).map_err(|error| refused(error.into()))
}

/// A row an arm. Joint intervals come from the bootstrap of the largest |t|, p-values are adjusted by Holm, which can tell
/// values below what draws resolve.
fn by_arm(
    asked: &EstimateQuestion,
    arms: &Arms,
    found: &[Found],
    joint: &Joint,
    flags: Vec<Vec<Doubt>>,
) -> Vec<ArmEffect> {
    let draws = BootstrapParams {
        seed: asked.seed,
        ..BootstrapParams::default()
    };
    let c = joint.bootstrap(&draws).critical_value(LEVEL);
    let p_values: Vec<f64> = found.iter().map(Found::p_value).collect();
    let adjusted = holm(&p_values);
    let row = |(a, flags): (usize, Vec<Doubt>)| {
        let Found {
            estimate, std_error, ..
        } = found[a];
        ArmEffect {
            arm: arms.names[a].clone(),
            estimate,
            std_error,
            ci: found[a].ci(LEVEL),
            joint_ci: [estimate - c * std_error, estimate + c * std_error],
            p_value: p_values[a],
            p_value_adjusted: adjusted[a],
            flags,
        }
    };
    flags.into_iter().enumerate().map(row).collect()
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

fn overlap_by_name(asked: &EstimateQuestion, arms: &Arms, fit: &FittedMultiArm) -> Overlap {
    let repeat = &fit.repeats[0];
    let told = overlap(repeat.m_hat.view(), &arms.of_row, &fit.weights, asked.clip);
    let row = |(name, overlap): (&String, _)| NamedOverlap {
        arm: name.clone(),
        overlap,
    };
    Overlap::SeveralArms {
        arms: named(arms).zip(told).map(row).collect(),
        clip: repeat.clip.clone(),
        trim: fit.trim.clone(),
    }
}

/// The mean outcome had everybody had an arm.
fn potential_means(arms: &Arms, fit: &FittedMultiArm) -> Result<Vec<PotentialMean>, StudyError> {
    named(arms)
        .enumerate()
        .map(|(arm, name)| {
            let mean = fit.potential_mean(0, arm).map_err(refused)?;
            Ok(PotentialMean {
                arm: name.clone(),
                estimate: mean.estimate,
                std_error: mean.std_error,
                ci: mean.ci(LEVEL),
            })
        })
        .collect()
}
