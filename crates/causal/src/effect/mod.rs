//! Effects: average ones, and per unit as projections of doubly robust scores on an effect basis.

mod basis;
mod linear;
mod naive;
mod projection;

pub use basis::{BasisError, EffectBasis, Modifier, ModifierKind};
pub use linear::{Effect, LinearEffect};
pub use naive::difference_in_means;
pub use projection::{ProjectionError, StackedEffect, project};
