//! Overlap, balance, nuisance fit and sensitivity: what there is to doubt about an estimate.

pub mod balance;
pub mod nuisance;
pub mod overlap;
pub mod sensitivity;
