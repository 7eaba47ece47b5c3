//! Refutation: estimates that must come out as zero, or as before, if the analysis is what it claims to be.
//!
//! Passing proves nothing about what was not measured; [`Refuter::cannot_show`] says so for each.

mod draws;

use ceteris_effect::Column;
use ceteris_stats::Unit;
use ceteris_stats::normal_cdf;
use draws::{noise, permuted, subset};
use serde::{Deserialize, Serialize};

use crate::argument::ArgumentError;
use crate::dml::DmlError;
use crate::inference::Estimate;
use crate::learner::Design;

/// The sample that an analysis reads.
#[derive(Clone, Debug)]
pub struct Study {
    /// Covariates.
    pub x: Design,
    /// Outcome.
    pub y: Vec<f64>,
    /// Treatment.
    pub d: Vec<f64>,
    /// The unit of each row.
    pub units: Vec<Unit>,
    /// Row weights.
    pub w: Vec<f64>,
}

/// An analysis: from a sample to its estimate, all else held fixed.
pub type Analysis<'a> = &'a dyn Fn(&Study) -> Result<Estimate, DmlError>;

/// What is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refuter {
    /// The treatment, shuffled over the rows: its effect is zero.
    PlaceboTreatment,
    /// The outcome, shuffled over the rows: nothing has an effect on it.
    DummyOutcome,
    /// One more covariate, drawn at random by unit: the estimate stays.
    RandomCommonCause,
    /// A random part of the units: the estimate stays within the noise of the part.
    Subset {
        /// The part's share, in (0, 1).
        share: f64,
    },
    /// An outcome that the treatment cannot move but the same confounders do: its effect is zero.
    NegativeOutcome {
        /// The outcome's values.
        y: Vec<f64>,
    },
    /// A treatment that cannot move the outcome but has the same confounders: its effect is zero.
    NegativeTreatment {
        /// The treatment's values.
        d: Vec<f64>,
    },
}

/// What a refuter's estimate should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Zero.
    Zero,
    /// What it was.
    Same,
}

/// What came of one refuter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refutation {
    /// The estimate on the changed sample.
    pub estimate: Estimate,
    /// What it should be.
    pub expected: Expected,
    /// Two-sided p-value of that; absent where the change has no known law (a random common cause, which is held to
    /// half a standard error).
    pub p_value: Option<f64>,
    /// Whether the analysis survived at the level asked.
    pub passed: bool,
}

/// Change of the estimate, in its standard errors, that one random covariate may bring.
const RANDOM_CAUSE_ERRORS_MAX: f64 = 0.5;

impl Refuter {
    /// What this refuter says nothing about, passed or not.
    pub fn cannot_show(&self) -> &'static str {
        match self {
            Refuter::PlaceboTreatment | Refuter::DummyOutcome => {
                "shuffling cuts hidden confounding too, so passing does not show there is none"
            }
            Refuter::RandomCommonCause => {
                "a random covariate is no confounder; only the stability of the estimate is shown"
            }
            Refuter::Subset { .. } => "every part shares the bias of the whole",
            Refuter::NegativeOutcome { .. } | Refuter::NegativeTreatment { .. } => {
                "only confounders that the control shares are seen"
            }
        }
    }

    /// Runs `analysis` on the changed `study` and judges it against `original`, the estimate on the study itself.
    /// Random changes are drawn by hash(seed, unit).
    ///
    /// # Errors
    /// The analysis' own; [`ArgumentError::Length`] for a control of another length; [`ArgumentError::Parameter`] for a share
    /// outside (0, 1).
    pub fn run(
        &self,
        study: &Study,
        original: &Estimate,
        analysis: Analysis<'_>,
        level: f64,
        seed: u64,
    ) -> Result<Refutation, DmlError> {
        let changed = self.change(study, seed)?;
        let estimate = analysis(&changed)?;
        let (expected, p_value, passed) = match self {
            Refuter::RandomCommonCause => {
                let moved = (estimate.estimate - original.estimate).abs();
                let passed = moved <= RANDOM_CAUSE_ERRORS_MAX * original.std_error;
                (Expected::Same, None, passed)
            }
            Refuter::Subset { .. } => {
                // The part's estimate less the whole's has the difference of their variances (Hausman 1978).
                let variance = estimate.std_error.powi(2) - original.std_error.powi(2);
                let gap = (estimate.estimate - original.estimate).abs();
                let p = if variance > 0.0 {
                    2.0 * normal_cdf(-gap / variance.sqrt())
                } else {
                    f64::NAN
                };
                let near = gap <= RANDOM_CAUSE_ERRORS_MAX * original.std_error;
                (
                    Expected::Same,
                    (!p.is_nan()).then_some(p),
                    p > level || p.is_nan() && near,
                )
            }
            _ => {
                let p = estimate.p_value();
                (Expected::Zero, Some(p), p > level)
            }
        };
        Ok(Refutation {
            estimate,
            expected,
            p_value,
            passed,
        })
    }

    fn change(&self, study: &Study, seed: u64) -> Result<Study, DmlError> {
        let mut changed = study.clone();
        let rows = study.y.len();
        let same = |what, v: &Vec<f64>| {
            if v.len() == rows {
                Ok(v.clone())
            } else {
                Err(ArgumentError::Length {
                    what,
                    found: v.len(),
                    rows,
                })
            }
        };
        match self {
            Refuter::PlaceboTreatment => changed.d = permuted(&study.d, &study.units, seed),
            Refuter::DummyOutcome => changed.y = permuted(&study.y, &study.units, seed),
            Refuter::NegativeOutcome { y } => changed.y = same("negative control outcome", y)?,
            Refuter::NegativeTreatment { d } => changed.d = same("negative control treatment", d)?,
            Refuter::RandomCommonCause => {
                let column = (Column::numeric("random cause"), noise(&study.units, seed));
                let extra = Design::from_columns(vec![column]);
                changed.x =
                    extra
                        .and_then(|extra| study.x.beside(&extra))
                        .map_err(|_| ArgumentError::Length {
                            what: "units",
                            found: study.units.len(),
                            rows,
                        })?;
            }
            Refuter::Subset { share } => {
                if !(*share > 0.0 && *share < 1.0) {
                    return Err(ArgumentError::Parameter {
                        name: "share",
                        range: "in (0, 1)",
                    }
                    .into());
                }
                let kept = subset(&study.units, *share, seed);
                let take = |v: &[f64]| kept.iter().map(|&i| v[i]).collect();
                changed = Study {
                    x: study.x.select(&kept),
                    y: take(&study.y),
                    d: take(&study.d),
                    units: kept.iter().map(|&i| study.units[i]).collect(),
                    w: take(&study.w),
                };
            }
        }
        Ok(changed)
    }
}
