#![doc = include_str!("../README.md")]

mod effects;
mod error;
mod estimate;
mod graph_check;
mod treatment;
mod units;

pub use ceteris_causal::compatible::IndependenceTest;
pub use effects::{
    AgainstTruth, AreaReport, ArmEvaluation, BestForAll, EffectQuestion, EffectRows, EstimateFigures,
    EvaluateQuestion, EvaluateReport, FitQuestion, FitReport, FittedEffects, HeldOutArm, PolicyReport,
    Prediction, PredictionReport, column_names, evaluate, fit_effects, predict,
};
pub use error::StudyError;
pub use estimate::{
    ArmEffect, AssumedOrProven, DOSE_DEGREE_MAX, DOSE_KNOTS_MAX, DoseBasis, DoseContrast, DoseCurve,
    DosePoint, DoseQuestion, EstimateQuestion, EstimateReport, FrontDoorProof, InstrumentProof,
    InstrumentStrength, Method, NamedOverlap, NuisanceFit, OmittedConfounder, Overlap, OverlapWeighted,
    PlrScore, PotentialMean, REPEATS_MAX, Sensitivity, SeveralArms, estimate, estimate_identified,
};
pub use graph_check::{CheckQuestion, CheckReport, check_graph};

/// Level of every interval.
pub const LEVEL: f64 = 0.95;
