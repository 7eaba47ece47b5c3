//! An estimate's report in sentences, for people.

use std::fmt::{Display, Formatter, Result};

use ceteris_estimate::diagnose::doubt::Doubt;
use ceteris_estimate::learner::LearnerFlag;
use serde_json::Value;

use super::report::{EstimateReport, Sensitivity, SeveralArms};

impl Display for EstimateReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut lines = match &self.arms {
            None => vec![self.one()],
            Some(several) => self.several(several),
        };
        if let Some(dose) = &self.curve {
            lines.extend(dose.curve.iter().map(|point| {
                format!(
                    "dose {} against {}: {} (std. error {}), 95 % band of all [{}, {}]",
                    Value::from(point.dose),
                    Value::from(dose.from),
                    number(point.effect),
                    number(point.std_error),
                    number(point.joint_ci[0]),
                    number(point.joint_ci[1]),
                )
            }));
        }
        if let Some(reason) = &self.reason {
            lines.push(format!("no interval: {reason}"));
        }
        if let Some(Sensitivity::OmittedConfounder { bounds, .. }) = &self.sensitivity
            && bounds.rv.is_finite()
            && bounds.rva.is_finite()
        {
            lines.push(format!(
                "a hidden confounder would have to explain {:.1} % of what is left of both treatment and outcome to take the estimate to zero, {:.1} % to take its interval there",
                100.0 * bounds.rv,
                100.0 * bounds.rva
            ));
        }
        if let Some(instrument) = &self.instrument
            && instrument.first_stage_f.is_finite()
        {
            lines.push(format!(
                "first-stage F of the instrument: {:.1}",
                instrument.first_stage_f
            ));
        }
        for told in self.nuisance.flags.iter().flatten() {
            let flag = match told.flag {
                LearnerFlag::RankDeficient => "rank_deficient",
                LearnerFlag::Separated => "separated",
                LearnerFlag::NotConverged => "not_converged",
            };
            lines.push(format!(
                "nuisance {}: {flag} in {} fits",
                told.nuisance, told.fits
            ));
        }
        let several = self.estimate.is_none_or(|estimate| !estimate.is_finite());
        lines.extend(
            self.flags
                .iter()
                .map(|doubt| format!("flag: {}", meaning(*doubt, several))),
        );
        lines.push(match self.identification.proof() {
            None => "identification: assumed; the covariates are your claim (give --graph to prove them)"
                .to_owned(),
            Some(proof) => format!("identification: {proof}"),
        });
        f.write_str(&lines.join("\n"))
    }
}

impl EstimateReport {
    /// The one estimate.
    fn one(&self) -> String {
        let of = |value: Option<f64>| number(value.unwrap_or(f64::NAN));
        format!(
            "{} of {} on {}: {} (std. error {}), 95 % interval [{}, {}], p = {:.4}, n = {}",
            self.estimand,
            self.treatment,
            self.outcome,
            of(self.estimate),
            of(self.std_error),
            of(self.ci.map(|ci| ci[0])),
            of(self.ci.map(|ci| ci[1])),
            finite(self.p_value.unwrap_or(f64::NAN)),
            self.n,
        )
    }

    /// A line an arm.
    fn several(&self, several: &SeveralArms) -> Vec<String> {
        let line = |arm: &super::report::ArmEffect| {
            format!(
                "{} of {} = {} against {} on {}: {} (std. error {}), 95 % interval of all arms [{}, {}], \
                 adjusted p = {:.4}",
                self.estimand,
                self.treatment,
                arm.arm,
                several.control,
                self.outcome,
                number(arm.estimate),
                number(arm.std_error),
                number(arm.joint_ci[0]),
                number(arm.joint_ci[1]),
                finite(arm.p_value_adjusted),
            )
        };
        several.arms.iter().map(line).collect()
    }
}

/// Six decimals; in powers of ten where those would not be read.
fn number(value: f64) -> String {
    let value = finite(value);
    if value != 0.0 && !(1e-4..1e12).contains(&value.abs()) && value.is_finite() {
        format!("{value:.6e}")
    } else {
        format!("{value:.6}")
    }
}

/// The number, or NaN for what JSON cannot hold: the sentences say what the document says.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

fn meaning(doubt: Doubt, several: bool) -> &'static str {
    match doubt {
        Doubt::Overlap if several => {
            "overlap (some rows hardly ever have one of the arms; --trim leaves them out)"
        }
        Doubt::Overlap => {
            "overlap (some rows hardly ever have one of the arms; --estimand overlap does not rest on them)"
        }
        Doubt::HeavyTail => "heavy_tail (one unit carries much of the error; the interval may be too short)",
        Doubt::FewClusters => "few_clusters (under fifty independent units; t(G - 1) with a corrected error)",
        Doubt::WeakInstrument => "weak_instrument (read the Anderson-Rubin set instead of the interval)",
    }
}
