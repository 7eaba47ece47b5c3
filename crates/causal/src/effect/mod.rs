//! Effects: average ones, of groups, and per unit: as projections of doubly robust scores on an effect basis, and by
//! the learners of [`learners`].

mod basis;
mod groups;
pub mod learners;
mod linear;
mod naive;
mod projection;

pub use basis::{BasisError, EffectBasis, Modifier, ModifierKind};
pub use groups::group_effects;
pub use linear::{Effect, LinearEffect};
pub use naive::difference_in_means;
pub use projection::{ProjectionError, StackedEffect, project};
