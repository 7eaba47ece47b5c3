//! Regressions on terms of the covariates: linear with its penalties, elastic net, logistic.

mod elastic_net;
mod linear;
mod logistic;
mod moments;
mod newton;
mod standardise;

pub use elastic_net::ElasticNet;
pub use linear::{Linear, Penalty};
pub(super) use logistic::check_classes;
pub use logistic::{Logistic, Probability};
