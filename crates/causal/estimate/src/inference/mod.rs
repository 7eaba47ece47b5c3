//! Standard errors, covariances and tests, from scores only: no learner is seen here.

mod estimate;
mod joint;
mod multiplier;
mod robust_set;
mod small_sample;
mod two_way;

pub(crate) use estimate::degrees_of_freedom;
pub use estimate::{Estimate, FEW_CLUSTERS, InferenceError, NoError, median_over_repeats, solve};
pub use joint::Joint;
pub use multiplier::{Bootstrap, BootstrapParams, Multiplier};
pub use robust_set::{RobustSet, WEAK_F, anderson_rubin, first_stage_f};
pub use small_sample::satterthwaite;
pub use two_way::solve_two_way;
