//! Coverage, error and Wald statistics of effects against a known truth: for simulators, never for real data.

mod units;
mod wald;

pub use units::{UnitErrors, unit_errors};
pub use wald::{chi_square_band, true_coefficients};
