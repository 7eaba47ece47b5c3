//! What the flags of `ceteris estimate` contradict, before any file is read.

use super::args::{DoseBasisArg, EstimandArg, Estimate, MethodArg, ScoreArg};
use crate::output::bad_input;

impl Estimate {
    /// Refuses flags that contradict each other or lie outside their range, each by name.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.check_columns()?;
        self.check_method()?;
        self.check_dose()?;
        for (flag, share) in [("--cf-y", self.cf_y), ("--cf-d", self.cf_d)] {
            if !(0.0..1.0).contains(&share) {
                return Err(bad_input(format!(
                    "{flag} {share}: give a share from 0 to below 1"
                )));
            }
        }
        for (flag, threshold) in [("--clip", Some(self.clip)), ("--trim", self.trim)] {
            if let Some(t) = threshold
                && !(0.0..0.5).contains(&t)
            {
                return Err(bad_input(format!(
                    "{flag} {t}: give a propensity from 0 to below 0.5"
                )));
            }
        }
        if self.folds < 2 || self.repeats == 0 || self.neighbours == 0 {
            return Err(bad_input(
                "--folds takes at least 2, --repeats and --neighbours at least 1",
            ));
        }
        if self.repeats > 1 && self.fold_column.is_some() {
            return Err(bad_input(
                "--repeats: given folds are one cutting; leave out --fold-column",
            ));
        }
        if self.cluster.len() > 2 {
            return Err(bad_input("--cluster: give one column, or two"));
        }
        Ok(())
    }

    fn check_columns(&self) -> anyhow::Result<()> {
        if self.outcome == self.treatment {
            return Err(bad_input(format!(
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
                    return Err(bad_input(format!(
                        "{flag}: `{name}` is empty, named twice, or the outcome or treatment; leave it out"
                    )));
                }
                taken.push(name);
            }
        }
        Ok(())
    }

    fn check_method(&self) -> anyhow::Result<()> {
        let method = self.method;
        let front = method == MethodArg::Frontdoor;
        if self.covariates.is_empty() && !front {
            return Err(bad_input("--covariates: name at least one column"));
        }
        if method.has_instrument() != self.instrument.is_some() {
            return Err(bad_input(if method.has_instrument() {
                format!("--instrument: {} needs one", method.name())
            } else {
                "--instrument: is read by --method pliv and iivm".to_owned()
            }));
        }
        if front == self.mediator.is_empty() {
            return Err(bad_input(if front {
                "--mediator: frontdoor needs at least one"
            } else {
                "--mediator: is read by --method frontdoor"
            }));
        }
        let averaged = match method {
            MethodArg::Irm => true,
            MethodArg::Matching => self.estimand != EstimandArg::Overlap,
            _ => self.estimand == EstimandArg::Ate,
        };
        if !averaged {
            return Err(bad_input(format!(
                "--estimand: {} has one estimand of its own; use --method irm",
                method.name()
            )));
        }
        if self.score == ScoreArg::IvType && method != MethodArg::Plr {
            return Err(bad_input("--score iv-type: belongs to --method plr"));
        }
        let of_probabilities = self.learner_outcome.is_of_probabilities();
        if of_probabilities && (front || self.score == ScoreArg::IvType) {
            return Err(bad_input(
                "--learner-outcome: frontdoor and --score iv-type regress what is no 0 or 1; give a learner of means",
            ));
        }
        if method == MethodArg::Dose && self.treatment_learner(false).is_of_probabilities() {
            return Err(bad_input(
                "--learner-treatment: dose regresses terms of the dose, which are no 0 or 1; give a learner of means",
            ));
        }
        if self.trim.is_some() && method != MethodArg::Irm {
            return Err(bad_input("--trim: belongs to --method irm"));
        }
        if method == MethodArg::Matching && !(self.cluster.is_empty() && self.weight.is_none()) {
            return Err(bad_input(
                "--cluster, --weight: the error of matching knows neither; use --method irm",
            ));
        }
        Ok(())
    }

    fn check_dose(&self) -> anyhow::Result<()> {
        let dose = &self.dose;
        if self.method != MethodArg::Dose {
            return dose.named().map_or(Ok(()), |flag| {
                Err(bad_input(format!("{flag}: belongs to --method dose")))
            });
        }
        if self.control.is_some() {
            return Err(bad_input(
                "--control: names an arm; doses are compared with --from, arms by --method irm",
            ));
        }
        if self.cluster.len() > 1 {
            return Err(bad_input(
                "--cluster: the errors of a curve are clustered in one way; give one column",
            ));
        }
        let other = match dose.dose_basis {
            Some(DoseBasisArg::Polynomial) if dose.dose_knots.is_some() => {
                "--dose-knots: a polynomial has none"
            }
            Some(DoseBasisArg::Spline) | None if dose.dose_degree.is_some() => {
                "--dose-degree: belongs to --dose-basis polynomial"
            }
            _ => return Ok(()),
        };
        Err(bad_input(other))
    }
}
