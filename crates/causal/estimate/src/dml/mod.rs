//! Double machine learning recipes: learner + folds + score + inference.
//!
//! Nuisances are fitted on the rows outside a fold and predicted on the rows inside it, so that no unit's score sees
//! a nuisance that has seen the unit. Tasks (fold × nuisance) run in parallel; each is sequential inside and results
//! are put together in a fixed order, so they do not depend on the number of threads.

mod crossfit;
mod dose;
mod error;
mod front_door;
mod instrument;
mod interactive;
mod multi_arm;
mod params;
mod partially_linear;
mod progress;
mod repeat;

pub use dose::{DoseNuisances, FittedDose, dose_response};
pub use error::DmlError;
pub use front_door::{FrontDoorNuisances, front_door};
pub use instrument::{
    Compliance, InstrumentNuisances, LocalAverageNuisances, local_average, partially_linear_instrument,
};
pub use interactive::{Estimand, FittedInteractive, InteractiveNuisances, interactive};
pub use multi_arm::{FittedMultiArm, MultiArmRepeat, PropensitySource, multi_arm};
pub use params::{DmlParams, FoldPlan, Rows, ValidDmlParams};
pub use partially_linear::{
    FittedPartiallyLinear, IvTypeNuisances, PartiallyLinearNuisances, partially_linear,
    partially_linear_iv_type,
};
pub use progress::{Progress, Watch, unwatched};
pub use repeat::{Fitted, FlagCount, Repeat};
