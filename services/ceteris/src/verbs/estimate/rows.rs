//! What the rows must have for the method that is asked of them.

use std::collections::BTreeSet;

use ceteris_causal::dml::FoldPlan;
use ceteris_causal::learner::LearnerKind;
use ceteris_causal::sample::Unit;

use super::args::{EstimandArg, Estimate, MethodArg};
use super::data::Data;
use crate::output::bad_input;

impl Data {
    /// Refuses rows that the method cannot answer from, by the name of the flag.
    pub(super) fn check(&self, args: &Estimate) -> anyhow::Result<()> {
        self.check_arms(args)?;
        self.check_variation(args)?;
        self.check_binary(args)?;
        self.check_folds(args)
    }

    /// Where nothing varies there is nothing to estimate.
    fn check_variation(&self, args: &Estimate) -> anyhow::Result<()> {
        let instrument = args.instrument.as_deref().unwrap_or_default();
        for (flag, column, values) in [
            ("--outcome", args.outcome.as_str(), &self.y),
            ("--treatment", args.treatment.as_str(), &self.d),
            ("--instrument", instrument, &self.z),
        ] {
            let weighs = |i: usize| self.weights.as_ref().is_none_or(|w| w[i] > 0.0);
            let mut seen = (0..values.len()).filter(|i| weighs(*i)).map(|i| values[i]);
            if let Some(first) = seen.next()
                && seen.all(|value| value == first)
            {
                return Err(bad_input(format!(
                    "{flag} {column}: is {first} in every row that counts; an effect needs it to vary"
                )));
            }
        }
        Ok(())
    }

    /// Folds that hold something out, and no more of them than units.
    fn check_folds(&self, args: &Estimate) -> anyhow::Result<()> {
        match &self.folds {
            FoldPlan::Given(labels) if labels.iter().collect::<BTreeSet<_>>().len() < 2 => {
                Err(bad_input("--fold-column: names one fold; at least 2 are needed"))
            }
            _ if args.method == MethodArg::Matching => Ok(()),
            FoldPlan::Given(_) => Ok(()),
            FoldPlan::ByUnit { k } | FoldPlan::ByTwoWays { k, .. } => {
                let count = |units: &[Unit]| units.iter().collect::<BTreeSet<_>>().len();
                let least = count(&self.units).min(self.second.as_deref().map_or(usize::MAX, count));
                if least < *k {
                    return Err(bad_input(format!(
                        "--folds {k}: there are {least} units to fill them; ask for fewer folds"
                    )));
                }
                Ok(())
            }
        }
    }

    /// Several arms are compared by irm, on average over all rows.
    fn check_arms(&self, args: &Estimate) -> anyhow::Result<()> {
        let Some(arms) = self.several_arms() else {
            return Ok(());
        };
        if args.method != MethodArg::Irm {
            return Err(bad_input(format!(
                "--treatment {}: has the arms {} beside {}, and {} takes one; use --method irm",
                args.treatment,
                arms.names.join(", "),
                arms.control,
                args.method.name()
            )));
        }
        if args.estimand != EstimandArg::Ate {
            return Err(bad_input(
                "--estimand: several arms have ate alone; keep the rows of one arm and control for another",
            ));
        }
        if self.second.is_some() {
            return Err(bad_input(
                "--cluster: the errors of several arms are clustered in one way; give one column",
            ));
        }
        Ok(())
    }

    /// Treatments, instruments and targets of probabilities must be zeros and ones.
    fn check_binary(&self, args: &Estimate) -> anyhow::Result<()> {
        let stray = |values: &[f64]| values.iter().copied().find(|v| *v != 0.0 && *v != 1.0);
        let method = args.method;
        if method.is_binary()
            && self.arms.is_none()
            && let Some(value) = stray(&self.d)
        {
            return Err(bad_input(format!(
                "--treatment {}: {} needs 0 and 1, the column has {value}; name the value that is no treatment with \
                 --control if the others are arms, or use --method plr or dose",
                args.treatment,
                method.name()
            )));
        }
        if method == MethodArg::Iivm
            && let Some(value) = stray(&self.z)
        {
            return Err(bad_input(format!(
                "--instrument: iivm needs 0 and 1, the column has {value}; use --method pliv"
            )));
        }
        let instrument = args.learner_instrument.or(args.learner_treatment);
        let treatment = args.learner_treatment.filter(|_| self.several_arms().is_none());
        let read: [(&str, Option<LearnerKind>, &[f64]); 3] = [
            ("--learner-outcome", Some(args.learner_outcome), &self.y),
            ("--learner-treatment", treatment, &self.d),
            ("--learner-instrument", instrument, &self.z),
        ];
        for (flag, learner, values) in read {
            let of_probabilities = learner.is_some_and(LearnerKind::is_of_probabilities);
            if of_probabilities && let Some(value) = stray(values) {
                return Err(bad_input(format!(
                    "{flag}: a logit needs 0 and 1, its column has {value}"
                )));
            }
        }
        Ok(())
    }
}
