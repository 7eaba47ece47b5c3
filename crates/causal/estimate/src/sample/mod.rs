//! Who is held out: folds that keep each unit whole.
//!
//! Nothing here depends on row positions, so a dataset read in another order is cut in the same way.

mod folds;

pub use folds::{FoldError, Folds};
