//! Effects per unit of a table: learned, asked of other rows, judged by held-out rows.

mod evaluate;
mod evaluation;
mod fit;
mod predict;
mod question;
mod rows;

pub use evaluate::evaluate;
pub use evaluation::{
    AgainstTruth, AreaReport, ArmEvaluation, BestForAll, EstimateFigures, EvaluateReport, HeldOutArm,
    PolicyReport,
};
pub use fit::{FitReport, FittedEffects, fit_effects};
pub use predict::{Prediction, PredictionReport, column_names, predict};
pub use question::{EffectQuestion, EvaluateQuestion, FitQuestion};
pub use rows::EffectRows;
