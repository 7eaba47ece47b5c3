//! Overlap, balance and sensitivity: what there is to doubt about an estimate.

pub mod balance;
pub mod overlap;
pub mod sensitivity;
