//! The methods of the rows: each as a user calls it, at its defaults.

use ceteris_effect::Column;
use ceteris_estimate::Sample;
use ceteris_estimate::diagnose::doubt::EXTREME_PROPENSITY;
use ceteris_estimate::diagnose::overlap::{ArmOverlap, overlap};
use ceteris_estimate::dml::{
    ArmLearners, Compliance, DmlParams, Estimand, FoldPlan, FrontDoorLearners, InstrumentLearners,
    LocalAverageLearners, PartiallyLinearLearners, PropensitySource, Repeat, dose_response, front_door,
    interactive, local_average, multi_arm, partially_linear, partially_linear_instrument,
};
use ceteris_estimate::inference::Estimate;
use ceteris_estimate::learner::{Design, NumericBasis};
use ceteris_estimate::matching::{MatchingParams, matching};
use ceteris_estimate::score::Scores;
use ceteris_estimate::unwatched;
use ceteris_stats::Unit;
use ceteris_synth::processes::Draw;
use ndarray::Array2;

use super::learners::Learners;
use crate::common::Rows;

/// What is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Plr,
    Pliv,
    Ate,
    Att,
    Overlap,
    Late,
    FrontDoor,
    MultiArm,
    Matching,
    /// PLR with errors clustered in two ways, and folds cut by both.
    TwoWays,
    /// A curve of second degree in the dose, at 1 against 0.
    Dose,
}

/// An estimate, and what its flags are told by.
pub struct Estimated {
    pub estimate: Estimate,
    /// Absent where the estimator has none.
    pub scores: Option<Scores>,
    /// Overlap of the arms, or of the sides of a binary instrument.
    pub arms: Vec<ArmOverlap>,
}

impl Method {
    pub fn estimate(self, rows: &Rows<'_>, draw: &Draw, learners: Learners, seed: u64) -> Estimated {
        let params = DmlParams {
            seed,
            ..DmlParams::default()
        };
        let params = params.check().unwrap();
        let (y, d) = (&draw.y, &draw.d);
        match self {
            Method::Plr => {
                let g = learners.regressor();
                let fit = partially_linear(
                    &params,
                    &rows.sample(y, d),
                    PartiallyLinearLearners { l: &*g, m: &*g },
                    &unwatched,
                )
                .unwrap();
                Estimated::of(fit.estimate, &fit.repeats, Vec::new())
            }
            Method::Pliv => {
                let z = draw.z.as_ref().unwrap();
                let g = learners.regressor();
                let fit = partially_linear_instrument(
                    &params,
                    &rows.instrumented(y, d, z),
                    InstrumentLearners {
                        l: &*g,
                        r: &*g,
                        m: &*g,
                    },
                    &unwatched,
                )
                .unwrap();
                Estimated::of(fit.estimate, &fit.repeats, Vec::new())
            }
            Method::Ate | Method::Att | Method::Overlap => {
                let estimand = match self {
                    Method::Ate => Estimand::Ate,
                    Method::Att => Estimand::Att,
                    _ => Estimand::Overlap,
                };
                let (g, m) = (learners.regressor(), learners.classifier());
                let source = PropensitySource::Learned(&*m);
                let fit = interactive(
                    &params,
                    &rows.sample(y, d),
                    estimand,
                    ArmLearners { g: &*g, m: source },
                    &unwatched,
                )
                .unwrap();
                let arms = two_arms(fit.repeats[0].nuisances.m.iter().copied(), d);
                Estimated::of(fit.estimate, &fit.repeats, arms)
            }
            Method::Late => {
                let z = draw.z.as_ref().unwrap();
                let both = Compliance {
                    always_takers: true,
                    never_takers: true,
                };
                let (g, m) = (learners.regressor(), learners.classifier());
                let source = PropensitySource::Learned(&*m);
                let fit = local_average(
                    &params,
                    &rows.instrumented(y, d, z),
                    both,
                    LocalAverageLearners {
                        g: &*g,
                        r: &*m,
                        m: source,
                    },
                    &unwatched,
                )
                .unwrap();
                let arms = two_arms(fit.repeats[0].nuisances.m.iter().copied(), z);
                Estimated::of(fit.estimate, &fit.repeats, arms)
            }
            Method::FrontDoor => {
                let mediator = draw.mediator.clone().unwrap();
                let mediators = Design::from_columns(vec![(Column::numeric("mediator"), mediator)]).unwrap();
                let (g, m) = (learners.regressor(), learners.classifier());
                let fit = front_door(
                    &params,
                    &rows.sample(y, d),
                    &mediators,
                    FrontDoorLearners { y: &*g, d: &*m },
                    &unwatched,
                )
                .unwrap();
                let nuisances = fit.repeats[0].nuisances.rows.iter();
                let arms = two_arms(nuisances.map(|row| row.m), d);
                Estimated::of(fit.estimate, &fit.repeats, arms)
            }
            Method::MultiArm => {
                let had = numbers(d);
                let outcomes = Array2::from_shape_fn((y.len(), 1), |(i, _)| y[i]);
                let (g, m) = (learners.regressor(), learners.classifier());
                let source = PropensitySource::Learned(&*m);
                let fit = multi_arm(
                    &params,
                    &rows.of_arms(&outcomes, &had, 3),
                    ArmLearners { g: &*g, m: source },
                    &unwatched,
                )
                .unwrap();
                Estimated {
                    estimate: fit.ate(0, 2, 0).unwrap(),
                    scores: Some(Scores::mean_of(fit.gamma(0, 2, 0))),
                    arms: overlap(
                        fit.repeats[0].m_hat.view(),
                        &had,
                        &fit.weights,
                        EXTREME_PROPENSITY,
                    ),
                }
            }
            Method::TwoWays => {
                let second: Vec<Unit> = draw.second.iter().flatten().map(|u| Unit::from(*u)).collect();
                let params = DmlParams {
                    folds: FoldPlan::ByTwoWays { k: 3 },
                    ..params.get().clone()
                };
                let sample = Sample {
                    cluster: Some(&second),
                    ..rows.sample(y, d)
                };
                let (params, g) = (params.check().unwrap(), learners.regressor());
                let fit = partially_linear(
                    &params,
                    &sample,
                    PartiallyLinearLearners { l: &*g, m: &*g },
                    &unwatched,
                )
                .unwrap();
                Estimated::of(fit.two_way().unwrap(), &fit.repeats, Vec::new())
            }
            Method::Dose => {
                let square = NumericBasis::Polynomial { degree: 2 };
                let g = learners.regressor();
                let fit = dose_response(
                    &params,
                    &rows.sample(y, d),
                    square,
                    PartiallyLinearLearners { l: &*g, m: &*g },
                    &unwatched,
                )
                .unwrap();
                Estimated {
                    estimate: fit.contrast(1.0, 0.0).unwrap(),
                    scores: None,
                    arms: Vec::new(),
                }
            }
            Method::Matching => Estimated {
                estimate: matching(&MatchingParams::default(), &rows.sample(y, d))
                    .unwrap()
                    .estimate,
                scores: None,
                arms: Vec::new(),
            },
        }
    }
}

impl Estimated {
    fn of<N>(estimate: Estimate, repeats: &[Repeat<N>], arms: Vec<ArmOverlap>) -> Self {
        Estimated {
            estimate,
            scores: Some(repeats[0].scores.clone()),
            arms,
        }
    }
}

/// Overlap of two arms by the propensity of the second.
fn two_arms(m: impl Iterator<Item = f64>, d: &[f64]) -> Vec<ArmOverlap> {
    let table: Vec<f64> = m.flat_map(|m| [1.0 - m, m]).collect();
    let table = Array2::from_shape_vec((d.len(), 2), table).unwrap();
    overlap(table.view(), &numbers(d), &vec![1.0; d.len()], EXTREME_PROPENSITY)
}

fn numbers(d: &[f64]) -> Vec<usize> {
    d.iter().map(|d| *d as usize).collect()
}
