//! The learners of a row.

use ceteris_estimate::learner::{BasisParams, Boosting, Classifier, Forest, Linear, Logistic, Regressor};

/// Trees of a forest: a third of the default, for time.
const TREES: usize = 100;

/// Which learners are fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learners {
    /// Least squares and maximum likelihood on the columns as they are.
    Lines,
    /// Ridge by generalised cross-validation on natural splines (means), L2-penalised likelihood on natural splines (propensities).
    Splines,
    /// Random forests of 100 trees, else at their defaults.
    Forest,
    /// Gradient boosting at its defaults.
    Boosting,
    /// The method learns nothing.
    None,
}

impl Learners {
    /// Learns means.
    pub fn regressor(self) -> Box<dyn Regressor> {
        match self {
            Learners::Lines => Box::new(Linear::ols(BasisParams::LINEAR)),
            Learners::Splines => Box::new(Linear::ridge_gcv(BasisParams::spline(5))),
            Learners::Forest => Box::new(forest()),
            Learners::Boosting => Box::new(Boosting::default()),
            Learners::None => unreachable!("asked for a learner where there is none"),
        }
    }

    /// Learns propensities.
    pub fn classifier(self) -> Box<dyn Classifier> {
        match self {
            Learners::Lines => Box::new(Logistic::logit(BasisParams::LINEAR)),
            Learners::Splines => Box::new(Logistic::logit_l2(BasisParams::spline(5), 1.0)),
            Learners::Forest => Box::new(forest()),
            Learners::Boosting => Box::new(Boosting::default()),
            Learners::None => unreachable!("asked for a learner where there is none"),
        }
    }
}

fn forest() -> Forest {
    Forest {
        trees: TREES,
        ..Forest::default()
    }
}
