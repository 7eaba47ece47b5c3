//! How effects did on held-out rows: figures, and the sentences for people.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

use ceteris_estimate::evaluate::{Calibration, Rate};
use ceteris_estimate::inference::Estimate;
use serde::Serialize;

use crate::LEVEL;

/// How effects did on held-out rows. In JSON a number that is not finite is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluateReport {
    /// Rows.
    pub n: usize,
    /// How much of the outcome's residual the effects explain, all arms together.
    pub r_score: f64,
    /// Arm by arm; one entry for a dose.
    pub arms: Vec<ArmEvaluation>,
    /// The rule that the effects make; none for a dose.
    pub policy: Option<PolicyReport>,
    /// `assumed`.
    pub identification: &'static str,
}

/// How one arm's effects did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmEvaluation {
    /// The arm; none for a dose.
    pub arm: Option<String>,
    /// By doubly robust scores of held-out rows; none for a dose.
    #[serde(flatten)]
    pub held_out: Option<HeldOutArm>,
    /// Against the truth, where columns hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<AgainstTruth>,
}

/// How one arm's effects did by doubly robust scores of held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldOutArm {
    /// The average effect.
    pub average: EstimateFigures,
    /// The area under the targeting curve.
    pub autoc: AreaReport,
    /// The area between the Qini curve and its diagonal.
    pub qini: AreaReport,
    /// The best linear predictor of the true effect from the estimated one.
    pub calibration: Calibration,
    /// The share of the scores' variation that the effects explain.
    pub dr_score: f64,
    /// The average effect in groups of rows by rising effect.
    pub by_effect: Vec<EstimateFigures>,
}

/// An estimate with all that is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EstimateFigures {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Its interval.
    pub ci: [f64; 2],
    /// Two-sided p-value of zero.
    pub p_value: f64,
    /// Rows.
    pub n: usize,
}

impl From<&Estimate> for EstimateFigures {
    fn from(found: &Estimate) -> Self {
        EstimateFigures {
            estimate: found.estimate,
            std_error: found.std_error,
            ci: found.ci(LEVEL),
            p_value: found.p_value(),
            n: found.n,
        }
    }
}

/// A rank-weighted average effect with all that is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AreaReport {
    /// The area.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Its interval.
    pub ci: [f64; 2],
    /// Two-sided p-value of priorities that say nothing.
    pub p_value: f64,
}

impl From<&Rate> for AreaReport {
    fn from(found: &Rate) -> Self {
        AreaReport {
            estimate: found.estimate,
            std_error: found.std_error,
            ci: found.ci(LEVEL),
            p_value: found.p_value(),
        }
    }
}

/// Effects against the true ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AgainstTruth {
    /// Root mean squared error of the effects, the PEHE of the literature.
    pub pehe: f64,
    /// Share of intervals that hold the truth, where every effect has an error.
    pub coverage: Option<f64>,
    /// Mean standard error, where every effect has one.
    pub mean_std_error: Option<f64>,
}

/// The rule that gives each row the arm whose effect is furthest above its cost, none where no effect is above it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyReport {
    /// The cost of each arm.
    pub cost: Vec<f64>,
    /// The share of the weight that gets each arm, `none` among them.
    pub shares: BTreeMap<String, f64>,
    /// What a row gains over nobody getting anything.
    pub gain: EstimateFigures,
    /// What a row gains over everybody getting the one arm that is best for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_for_all: Option<BestForAll>,
}

/// The gain over the one arm that is best for all by the same scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestForAll {
    /// That arm, or `none`.
    pub arm: String,
    /// The gain over it.
    pub gain_over: EstimateFigures,
}

impl Display for EvaluateReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} rows, R-score {:.5}", self.n, finite(self.r_score))?;
        for arm in &self.arms {
            let name = arm.arm.as_deref().unwrap_or("dose");
            if let Some(found) = &arm.held_out {
                let (average, autoc, qini) = (&found.average, &found.autoc, &found.qini);
                write!(
                    f,
                    "\n{name}: average {:.5} ({:.5}), AUTOC {:.5} ({:.5}), Qini {:.5} ({:.5})",
                    finite(average.estimate),
                    finite(average.std_error),
                    finite(autoc.estimate),
                    finite(autoc.std_error),
                    finite(qini.estimate),
                    finite(qini.std_error)
                )?;
                let differential = found.calibration.differential;
                let (estimate, error) =
                    differential.map_or((f64::NAN, f64::NAN), |found| (found.estimate, found.std_error));
                write!(
                    f,
                    "\n{name}: calibration of differences {:.3} ({:.3}); 1 is right, 0 says nothing",
                    finite(estimate),
                    finite(error)
                )?;
            }
            if let Some(truth) = &arm.truth {
                write!(f, "\n{name}: PEHE {:.5}", finite(truth.pehe))?;
            }
        }
        if let Some(policy) = &self.policy {
            let over = policy.best_for_all.as_ref();
            let (estimate, error) = over.map_or((f64::NAN, f64::NAN), |over| {
                (over.gain_over.estimate, over.gain_over.std_error)
            });
            write!(
                f,
                "\nthe rule gains {:.5} ({:.5}) a row over treating nobody, {:.5} ({:.5}) over {} for all",
                finite(policy.gain.estimate),
                finite(policy.gain.std_error),
                finite(estimate),
                finite(error),
                over.map_or("", |over| &over.arm)
            )?;
        }
        Ok(())
    }
}

/// The number, or NaN for what JSON cannot hold: the sentences say what the document says.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}
