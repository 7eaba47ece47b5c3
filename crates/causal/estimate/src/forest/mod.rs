//! Growing honest random forests for effects that vary: generalised random forests.
//!
//! A tree sees a half of the units; one part of them chooses its splits, the other fills its leaves. Splits part the
//! rows where the effect differs most, found by gradients instead of refits. With no treatment at all the same engine
//! grows honest regression forests. How a grown forest is asked is told in [`ceteris_effect::forest`].
//!
//! Nothing depends on the number of threads or the order of the table: bags are grown apart from streams of their own
//! and put together in order, over rows sorted by unit.

mod causal;
mod centre;
mod codes;
mod covariates;
mod draw;
mod error;
mod fit;
mod grow;
mod params;
mod sample;
mod split;

pub use causal::{FittedForest, causal_forest, residuals};
pub use centre::{Centred, CentringLearners, TreatmentLearner};
pub use covariates::imputed;
pub use error::GrowError;
pub use fit::{GrownForest, grow};
pub use params::{ForestParams, ValidForestParams};
