//! What the rows must have for the method that is asked of them.

use std::collections::BTreeSet;

use ceteris_estimate::dml::{Estimand, FoldPlan};
use ceteris_estimate::learner::LearnerKind;
use ceteris_stats::Unit;

use super::question::{EstimateQuestion, Method};
use super::rows::EstimateRows;
use crate::error::{StudyError, question};

impl EstimateRows {
    /// Refuses rows that the method cannot answer from, by the name of the question's field.
    pub(super) fn check(&self, asked: &EstimateQuestion) -> Result<(), StudyError> {
        self.check_arms(asked)?;
        self.check_variation(asked)?;
        self.check_binary(asked)?;
        self.check_folds(asked)
    }

    /// The instrument's values; none where the method reads none.
    fn instrument(&self) -> &[f64] {
        self.z.as_deref().unwrap_or_default()
    }

    /// Where nothing varies there is nothing to estimate.
    fn check_variation(&self, asked: &EstimateQuestion) -> Result<(), StudyError> {
        let instrument = asked.instrument.as_deref().unwrap_or_default();
        for (name, column, values) in [
            ("--outcome", asked.outcome.as_str(), &self.y[..]),
            ("--treatment", asked.treatment.as_str(), &self.d),
            ("--instrument", instrument, self.instrument()),
        ] {
            let weighs = |i: usize| self.weights.as_ref().is_none_or(|w| w[i] > 0.0);
            let mut seen = (0..values.len()).filter(|i| weighs(*i)).map(|i| values[i]);
            if let Some(first) = seen.next()
                && seen.all(|value| value == first)
            {
                return Err(question(format!(
                    "{name} {column}: is {first} in every row that counts; an effect needs it to vary"
                )));
            }
        }
        Ok(())
    }

    /// Folds that hold something out, and no more of them than units.
    fn check_folds(&self, asked: &EstimateQuestion) -> Result<(), StudyError> {
        match &self.folds {
            FoldPlan::Given(labels) if labels.iter().collect::<BTreeSet<_>>().len() < 2 => {
                Err(question("--fold-column: names one fold; at least 2 are needed"))
            }
            _ if asked.method == Method::Matching => Ok(()),
            FoldPlan::Given(_) => Ok(()),
            FoldPlan::ByUnit { k } | FoldPlan::ByTwoWays { k } => {
                let count = |units: &[Unit]| units.iter().collect::<BTreeSet<_>>().len();
                let least = count(&self.units).min(self.second.as_deref().map_or(usize::MAX, count));
                if least < *k {
                    return Err(question(format!(
                        "--folds {k}: there are {least} units to fill them; ask for fewer folds"
                    )));
                }
                Ok(())
            }
        }
    }

    /// Several arms are compared by irm, on average over all rows.
    fn check_arms(&self, asked: &EstimateQuestion) -> Result<(), StudyError> {
        let Some(arms) = self.several_arms() else {
            return Ok(());
        };
        if asked.method != Method::Irm {
            return Err(question(format!(
                "--treatment {}: has the arms {} beside {}, and {} takes one; use --method irm",
                asked.treatment,
                arms.names.join(", "),
                arms.control,
                asked.method.name()
            )));
        }
        if asked.estimand != Estimand::Ate {
            return Err(question(
                "--estimand: several arms have ate alone; keep the rows of one arm and control for another",
            ));
        }
        if self.second.is_some() {
            return Err(question(
                "--cluster: the errors of several arms are clustered in one way; give one column",
            ));
        }
        Ok(())
    }

    /// Treatments, instruments and targets of probabilities must be zeros and ones.
    fn check_binary(&self, asked: &EstimateQuestion) -> Result<(), StudyError> {
        let stray = |values: &[f64]| values.iter().copied().find(|v| *v != 0.0 && *v != 1.0);
        let method = asked.method;
        if method.is_binary()
            && self.arms.is_none()
            && let Some(value) = stray(&self.d)
        {
            return Err(question(format!(
                "--treatment {}: {} needs 0 and 1, the column has {value}; name the value that is no treatment with \
                 --control if the others are arms, or use --method plr or dose",
                asked.treatment,
                method.name()
            )));
        }
        if method == Method::Iivm
            && let Some(value) = stray(self.instrument())
        {
            return Err(question(format!(
                "--instrument: iivm needs 0 and 1, the column has {value}; use --method pliv"
            )));
        }
        let instrument = asked.learner_instrument.or(asked.learner_treatment);
        let treatment = asked.learner_treatment.filter(|_| self.several_arms().is_none());
        let read: [(&str, Option<LearnerKind>, &[f64]); 3] = [
            ("--learner-outcome", Some(asked.learner_outcome), &self.y),
            ("--learner-treatment", treatment, &self.d),
            ("--learner-instrument", instrument, self.instrument()),
        ];
        for (name, learner, values) in read {
            let of_probabilities = learner.is_some_and(LearnerKind::is_of_probabilities);
            if of_probabilities && let Some(value) = stray(values) {
                return Err(question(format!(
                    "{name}: a logit needs 0 and 1, its column has {value}"
                )));
            }
        }
        Ok(())
    }
}
