#![doc = include_str!("../README.md")]

mod basis;
mod column;
mod effect;
pub mod forest;
mod learner;
mod linear;
mod model;
mod stacked;

pub use basis::{EffectBasis, Modifier, ModifierKind, UnknownModifier};
pub use column::{Column, ColumnKind};
pub use effect::Effect;
pub use learner::EffectLearner;
pub use linear::LinearEffect;
pub use model::{EffectModel, EffectScratch, ModelError, ModelKind};
pub use stacked::StackedEffect;
