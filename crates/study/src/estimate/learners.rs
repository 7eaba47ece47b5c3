//! From names to learners.

use ceteris_estimate::dml::DmlError;
use ceteris_estimate::inference::InferenceError;
use ceteris_estimate::learner::{Classifier, LearnerKind, Probability, Regressor};

use super::question::EstimateQuestion;
use crate::error::{StudyError, question};

/// What the fit refuses is about the data.
pub(super) fn refused(error: DmlError) -> StudyError {
    match error {
        DmlError::Inference(InferenceError::NotDetermined) => question(
            "--covariates determine the treatment, or the instrument moves nothing given them; leave out those that do",
        ),
        error => error.into(),
    }
}

/// A learner of means. Zeros and ones are learned as probabilities by learners that can do both.
pub(super) fn means(kind: LearnerKind, target: &[f64]) -> Result<Box<dyn Regressor>, StudyError> {
    let both = matches!(
        kind,
        LearnerKind::Forest | LearnerKind::Boosting | LearnerKind::Auto
    );
    let binary = target.iter().all(|v| *v == 0.0 || *v == 1.0);
    let found = if both && binary {
        kind.classifier()
            .map(|c| Box::new(Probability(c)) as Box<dyn Regressor>)
    } else {
        kind.regressor()
    };
    found.map_err(|error| question(error.to_string()))
}

/// A learner of probabilities.
pub(super) fn probabilities(
    flag: &str,
    method: &str,
    kind: LearnerKind,
) -> Result<Box<dyn Classifier>, StudyError> {
    kind.classifier().map_err(|_| {
        question(format!(
            "{flag}: {method} needs probabilities; give logit, logit_l2, spline_logit_l2, forest, boosting or auto"
        ))
    })
}

impl EstimateQuestion {
    /// The treatment's learner, or the one that is usual for `probabilities` or means.
    pub(super) fn treatment_learner(&self, probabilities: bool) -> LearnerKind {
        let usual = if probabilities {
            LearnerKind::Logit
        } else {
            LearnerKind::Ols
        };
        self.learner_treatment.unwrap_or(usual)
    }

    /// The instrument's learner: the treatment's where it is left out.
    pub(super) fn instrument_learner(&self, probabilities: bool) -> LearnerKind {
        self.learner_instrument
            .unwrap_or_else(|| self.treatment_learner(probabilities))
    }
}
