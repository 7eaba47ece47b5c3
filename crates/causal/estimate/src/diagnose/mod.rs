//! Overlap, balance, nuisance fit, sensitivity and refutation: what there is to doubt about an estimate.

pub mod balance;
pub mod doubt;
pub mod e_value;
pub mod nuisance;
pub mod overlap;
pub mod refute;
pub mod rosenbaum;
pub mod sensitivity;
