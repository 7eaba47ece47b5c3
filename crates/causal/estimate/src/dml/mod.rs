//! Double machine learning recipes: sample + learners + folds + score + inference.

mod dose;
mod error;
mod front_door;
mod instrument;
mod interactive;
mod multi_arm;
mod params;
mod partially_linear;
mod repeat;

pub use dose::{DoseNuisances, FittedDose, dose_response};
pub use error::DmlError;
pub use front_door::{FrontDoorLearners, FrontDoorNuisances, front_door};
pub use instrument::{
    Compliance, InstrumentLearners, LocalAverageLearners, local_average, partially_linear_instrument,
};
pub use interactive::{FittedInteractive, interactive};
pub use multi_arm::{ArmLearners, FittedMultiArm, MultiArmRepeat, multi_arm};
pub use params::{DmlParams, FoldPlan, ValidDmlParams};
pub use partially_linear::{
    FittedPartiallyLinear, IvTypeLearners, PartiallyLinearLearners, partially_linear,
    partially_linear_iv_type,
};
pub use repeat::{Fitted, Repeat};

pub use crate::crossfit::{FlagCount, PropensitySource};
pub use crate::score::{
    Estimand, InstrumentNuisances, InteractiveNuisances, IvTypeNuisances, LocalAverageNuisances,
    PartiallyLinearNuisances,
};
