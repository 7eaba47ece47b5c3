//! From names on the command line to learners.

use ceteris_causal::dml::DmlError;
use ceteris_causal::inference::InferenceError;
use ceteris_causal::learner::{Classifier, LearnerKind, Probability, Regressor};

use super::args::Estimate;
use crate::output::bad_input;

/// What the fit refuses is about the data: the whole chain of causes says which.
pub(super) fn refused(error: DmlError) -> anyhow::Error {
    bad_input(match error {
        DmlError::Inference(InferenceError::NotDetermined) => {
            "--covariates determine the treatment, or the instrument moves nothing given them; leave out those that do"
                .to_owned()
        }
        error => format!("{:#}", anyhow::Error::new(error)),
    })
}

/// A learner of means. Zeros and ones are learned as probabilities by learners that can do both.
pub(super) fn means(kind: LearnerKind, target: &[f64]) -> anyhow::Result<Box<dyn Regressor>> {
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
    found.map_err(|error| bad_input(error.to_string()))
}

/// A learner of probabilities.
pub(super) fn probabilities(
    flag: &str,
    method: &str,
    kind: LearnerKind,
) -> anyhow::Result<Box<dyn Classifier>> {
    kind.classifier().map_err(|_| {
        bad_input(format!(
            "{flag}: {method} needs probabilities; give logit, logit_l2, spline_logit_l2, forest, boosting or auto"
        ))
    })
}

impl Estimate {
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
