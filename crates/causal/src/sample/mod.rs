//! Who is in the sample and who is held out: units, their stable hash, and folds that keep each unit whole.
//!
//! Nothing here depends on row positions, so a dataset read in another order is cut in the same way.

mod folds;
mod hash;
mod unit;

pub use folds::{FoldError, Folds};
pub use hash::{hash, uniform, uniform_of};
pub use unit::Unit;
pub(crate) use unit::numbered;
