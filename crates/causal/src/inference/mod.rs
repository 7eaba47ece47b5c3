//! Standard errors, covariances and tests, from scores only: no learner is seen here.

mod cluster;
mod distribution;
mod estimate;
mod wald;

pub use cluster::Clusters;
pub use distribution::{
    binomial_band, chi_square_cdf, chi_square_quantile, normal_cdf, normal_quantile, student_t_cdf,
    student_t_quantile,
};
pub(crate) use estimate::degrees_of_freedom;
pub use estimate::{Estimate, FEW_CLUSTERS, InferenceError, median_over_repeats, solve};
pub use wald::{Wald, wald};
