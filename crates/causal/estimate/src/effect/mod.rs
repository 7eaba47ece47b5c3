//! Fits of effects: average ones, of groups, and per unit: as projections of doubly robust scores on an effect basis, and
//! by the learners of [`learners`].

mod basis;
mod groups;
pub mod learners;
mod naive;
mod projection;

pub use basis::fit_basis;
pub use groups::group_effects;
pub use naive::difference_in_means;
pub use projection::{ProjectionError, project, true_coefficients};
