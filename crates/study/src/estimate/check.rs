//! What a question contradicts in itself, before any table is read.

use ceteris_estimate::dml::Estimand;

use super::question::{
    DOSE_DEGREE_MAX, DOSE_KNOTS_MAX, DoseBasis, EstimateQuestion, Method, PlrScore, REPEATS_MAX,
};
use crate::error::{StudyError, question};

impl EstimateQuestion {
    /// Refuses fields that contradict each other or lie outside their range, each by name.
    ///
    /// # Errors
    /// The first such field.
    pub fn check(&self) -> Result<(), StudyError> {
        self.check_columns()?;
        self.check_method()?;
        self.check_dose()?;
        for (flag, share) in [("--cf-y", self.cf_y), ("--cf-d", self.cf_d)] {
            if !(0.0..1.0).contains(&share) {
                return Err(question(format!(
                    "{flag} {share}: give a share from 0 to below 1"
                )));
            }
        }
        for (flag, threshold) in [("--clip", Some(self.clip)), ("--trim", self.trim)] {
            if let Some(t) = threshold
                && !(0.0..0.5).contains(&t)
            {
                return Err(question(format!(
                    "{flag} {t}: give a propensity from 0 to below 0.5"
                )));
            }
        }
        if self.folds < 2 || self.repeats == 0 || self.neighbours == 0 {
            return Err(question(
                "--folds takes at least 2, --repeats and --neighbours at least 1",
            ));
        }
        if self.repeats > REPEATS_MAX {
            return Err(question(format!(
                "--repeats {}: give at most {REPEATS_MAX}",
                self.repeats
            )));
        }
        if self.repeats > 1 && self.fold_column.is_some() {
            return Err(question(
                "--repeats: given folds are one cutting; leave out --fold-column",
            ));
        }
        if self.cluster.len() > 2 {
            return Err(question("--cluster: give one column, or two"));
        }
        Ok(())
    }

    fn check_columns(&self) -> Result<(), StudyError> {
        if self.outcome == self.treatment {
            return Err(question(format!(
                "--treatment {}: is the outcome too; name another column",
                self.treatment
            )));
        }
        let mut taken = vec![self.outcome.as_str(), self.treatment.as_str()];
        let instrument: Vec<String> = self.instrument.iter().cloned().collect();
        for (flag, names) in [
            ("--covariates", &self.covariates),
            ("--instrument", &instrument),
            ("--mediator", &self.mediator),
        ] {
            for name in names {
                if name.is_empty() || taken.contains(&name.as_str()) {
                    return Err(question(format!(
                        "{flag}: `{name}` is empty, named twice, or the outcome or treatment; leave it out"
                    )));
                }
                taken.push(name);
            }
        }
        Ok(())
    }

    fn check_method(&self) -> Result<(), StudyError> {
        let method = self.method;
        let front = method == Method::Frontdoor;
        if self.covariates.is_empty() && !front {
            return Err(question("--covariates: name at least one column"));
        }
        if method.has_instrument() != self.instrument.is_some() {
            return Err(question(if method.has_instrument() {
                format!("--instrument: {} needs one", method.name())
            } else {
                "--instrument: is read by --method pliv and iivm".to_owned()
            }));
        }
        if front == self.mediator.is_empty() {
            return Err(question(if front {
                "--mediator: frontdoor needs at least one"
            } else {
                "--mediator: is read by --method frontdoor"
            }));
        }
        let averaged = match method {
            Method::Irm => true,
            Method::Matching => self.estimand != Estimand::Overlap,
            _ => self.estimand == Estimand::Ate,
        };
        if !averaged {
            return Err(question(format!(
                "--estimand: {} has one estimand of its own; use --method irm",
                method.name()
            )));
        }
        if self.score == PlrScore::IvType && method != Method::Plr {
            return Err(question("--score iv-type: belongs to --method plr"));
        }
        let of_probabilities = self.learner_outcome.is_of_probabilities();
        if of_probabilities && (front || self.score == PlrScore::IvType) {
            return Err(question(
                "--learner-outcome: frontdoor and --score iv-type regress what is no 0 or 1; give a learner of means",
            ));
        }
        if method == Method::Dose && self.treatment_learner(false).is_of_probabilities() {
            return Err(question(
                "--learner-treatment: dose regresses terms of the dose, which are no 0 or 1; give a learner of means",
            ));
        }
        if self.trim.is_some() && method != Method::Irm {
            return Err(question("--trim: belongs to --method irm"));
        }
        if method == Method::Matching && !(self.cluster.is_empty() && self.weight.is_none()) {
            return Err(question(
                "--cluster, --weight: the error of matching knows neither; use --method irm",
            ));
        }
        Ok(())
    }

    fn check_dose(&self) -> Result<(), StudyError> {
        let dose = &self.dose;
        if self.method != Method::Dose {
            return dose.given().map_or(Ok(()), |flag| {
                Err(question(format!("{flag}: belongs to --method dose")))
            });
        }
        if self.control.is_some() {
            return Err(question(
                "--control: names an arm; doses are compared with --from, arms by --method irm",
            ));
        }
        if self.cluster.len() > 1 {
            return Err(question(
                "--cluster: the errors of a curve are clustered in one way; give one column",
            ));
        }
        if let Some(degree) = dose.degree
            && !(1..=DOSE_DEGREE_MAX).contains(&degree)
        {
            return Err(question(format!(
                "--dose-degree {degree}: give a power from 1 to {DOSE_DEGREE_MAX}"
            )));
        }
        if let Some(knots) = dose.knots
            && !(3..=DOSE_KNOTS_MAX).contains(&knots)
        {
            return Err(question(format!(
                "--dose-knots {knots}: give from 3 to {DOSE_KNOTS_MAX}"
            )));
        }
        let other = match dose.basis {
            Some(DoseBasis::Polynomial) if dose.knots.is_some() => "--dose-knots: a polynomial has none",
            Some(DoseBasis::Spline) | None if dose.degree.is_some() => {
                "--dose-degree: belongs to --dose-basis polynomial"
            }
            _ => return Ok(()),
        };
        Err(question(other))
    }
}
