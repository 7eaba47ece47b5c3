//! Who was observed and what, and who is held out: samples, arms, and folds that keep each unit whole.
//!
//! Nothing here depends on row positions, so a dataset read in another order is cut in the same way.

mod folds;
mod observed;

pub use folds::{FoldError, Folds};
pub use observed::{ArmSample, Arms, ForestSample, Sample, Treatment};
pub(crate) use observed::{Checked, CheckedRows};
