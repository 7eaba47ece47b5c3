//! Nearest neighbours: the average effect with the error of Abadie and Imbens.

use ceteris_estimate::diagnose::rosenbaum::rosenbaum_gamma;
use ceteris_estimate::dml::Estimand;
use ceteris_estimate::matching::{MatchedEstimand, MatchingParams, matching};

use crate::estimate::question::EstimateQuestion;
use crate::estimate::report::{Answer, NuisanceFit, Sensitivity};
use crate::estimate::rows::EstimateRows;
use crate::{LEVEL, StudyError};

pub(in crate::estimate) fn neighbours(
    asked: &EstimateQuestion,
    sample: &EstimateRows,
) -> Result<Answer, StudyError> {
    let (estimand, name) = match asked.estimand {
        Estimand::Att => (MatchedEstimand::Att, "average effect on the treated"),
        Estimand::Atc => (MatchedEstimand::Atc, "average effect on the untreated"),
        Estimand::Ate | Estimand::Overlap => (MatchedEstimand::Ate, "average effect"),
    };
    let params = MatchingParams {
        estimand,
        neighbours: asked.neighbours as usize,
        ..MatchingParams::default()
    };
    let fit = matching(&params, &sample.sample())?;
    let effects: Vec<f64> = fit.matches.iter().map(|m| m.effect).collect();
    let mut answer = Answer::new(fit.estimate, name);
    answer.nuisance = NuisanceFit {
        matches: Some(fit.matches.len()),
        ..NuisanceFit::default()
    };
    answer.sensitivity = Some(Sensitivity::MatchedPairs {
        rosenbaum_gamma: rosenbaum_gamma(&effects, 1.0 - LEVEL),
        e_value: None,
    });
    Ok(answer)
}
