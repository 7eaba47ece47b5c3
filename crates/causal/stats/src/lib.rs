#![doc = include_str!("../README.md")]

mod clusters;
mod distribution;
mod hash;
pub mod linalg;
mod multiplicity;
mod unit;
mod wald;

pub use clusters::Clusters;
pub use distribution::{
    binomial_band, chi_square_band, chi_square_cdf, chi_square_quantile, normal_cdf, normal_quantile,
    student_t_cdf, student_t_quantile,
};
pub use hash::{hash, uniform, uniform_of};
pub use multiplicity::holm;
pub use unit::{Unit, numbered};
pub use wald::{Wald, wald};
