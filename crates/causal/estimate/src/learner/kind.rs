//! Learners by name: what a command line, a manifest or a simulation can ask for.

use serde::{Deserialize, Serialize};

use super::{
    BasisParams, Boosting, Classifier, ElasticNet, Forest, LearnerError, Linear, Logistic, Probability,
    Regressor, Stack,
};

/// Penalty of `logit_l2` on standardised terms: scikit-learn's `C = 1`.
const PENALTY: f64 = 1.0;
/// Knots of the spline learners.
const KNOTS: usize = 6;

/// The learners by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnerKind {
    /// Least squares on the columns as they are.
    Ols,
    /// Ridge on the columns as they are, penalty by generalised cross-validation.
    Ridge,
    /// Lasso on the columns as they are, cross-validated.
    Lasso,
    /// Elastic net on the columns as they are, cross-validated.
    ElasticNet,
    /// Maximum likelihood on the columns as they are.
    Logit,
    /// Penalised likelihood on the columns as they are.
    LogitL2,
    /// Ridge on natural splines and their products.
    SplineRidge,
    /// Penalised likelihood on natural splines and their products.
    SplineLogitL2,
    /// Random forest.
    Forest,
    /// Gradient boosting.
    Boosting,
    /// The best mixture of a linear model, splines, a forest and boosting.
    Auto,
}

const SPLINES: BasisParams = BasisParams::spline(KNOTS);

impl LearnerKind {
    /// All of them.
    pub const ALL: [LearnerKind; 11] = [
        LearnerKind::Ols,
        LearnerKind::Ridge,
        LearnerKind::Lasso,
        LearnerKind::ElasticNet,
        LearnerKind::Logit,
        LearnerKind::LogitL2,
        LearnerKind::SplineRidge,
        LearnerKind::SplineLogitL2,
        LearnerKind::Forest,
        LearnerKind::Boosting,
        LearnerKind::Auto,
    ];

    /// Name in manifests and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            LearnerKind::Ols => "ols",
            LearnerKind::Ridge => "ridge",
            LearnerKind::Lasso => "lasso",
            LearnerKind::ElasticNet => "elastic_net",
            LearnerKind::Logit => "logit",
            LearnerKind::LogitL2 => "logit_l2",
            LearnerKind::SplineRidge => "spline_ridge",
            LearnerKind::SplineLogitL2 => "spline_logit_l2",
            LearnerKind::Forest => "forest",
            LearnerKind::Boosting => "boosting",
            LearnerKind::Auto => "auto",
        }
    }

    /// Learns means: of a 0/1 target by its probability, where the learner is one of probabilities.
    ///
    /// # Errors
    /// None of the named learners has any; the signature leaves room.
    pub fn regressor(self) -> Result<Box<dyn Regressor>, LearnerError> {
        Ok(match self {
            LearnerKind::Ols => Box::new(Linear::ols(BasisParams::LINEAR)),
            LearnerKind::Ridge => Box::new(Linear::ridge_gcv(BasisParams::LINEAR)),
            LearnerKind::Lasso => Box::new(ElasticNet::lasso(BasisParams::LINEAR)),
            LearnerKind::ElasticNet => Box::new(ElasticNet::half(BasisParams::LINEAR)),
            LearnerKind::SplineRidge => Box::new(Linear::ridge_gcv(SPLINES.with_interactions())),
            LearnerKind::Forest => Box::new(Forest::default()),
            LearnerKind::Boosting => Box::new(Boosting::default()),
            LearnerKind::Auto => Box::new(Stack::<dyn Regressor>::new(vec![
                Box::new(Linear::ridge_gcv(BasisParams::LINEAR)),
                Box::new(Linear::ridge_gcv(SPLINES.with_interactions())),
                Box::new(Forest::default()),
                Box::new(Boosting::default()),
            ])?),
            LearnerKind::Logit | LearnerKind::LogitL2 | LearnerKind::SplineLogitL2 => {
                Box::new(Probability(self.classifier()?))
            }
        })
    }

    /// Learns probabilities.
    ///
    /// # Errors
    /// [`LearnerError::Parameter`] for a learner of means only.
    pub fn classifier(self) -> Result<Box<dyn Classifier>, LearnerError> {
        Ok(match self {
            LearnerKind::Logit => Box::new(Logistic::logit(BasisParams::LINEAR)),
            LearnerKind::LogitL2 => Box::new(Logistic::logit_l2(BasisParams::LINEAR, PENALTY)),
            LearnerKind::SplineLogitL2 => Box::new(Logistic::logit_l2(SPLINES.with_interactions(), PENALTY)),
            LearnerKind::Forest => Box::new(Forest::default()),
            LearnerKind::Boosting => Box::new(Boosting::default()),
            LearnerKind::Auto => Box::new(Stack::<dyn Classifier>::new(vec![
                Box::new(Logistic::logit_l2(BasisParams::LINEAR, PENALTY)),
                Box::new(Logistic::logit_l2(SPLINES, PENALTY)),
                Box::new(Forest::default()),
                Box::new(Boosting::default()),
            ])?),
            LearnerKind::Ols
            | LearnerKind::Ridge
            | LearnerKind::Lasso
            | LearnerKind::ElasticNet
            | LearnerKind::SplineRidge => {
                return Err(LearnerError::Parameter {
                    name: "a learner of probabilities",
                    range: "logit, logit_l2, spline_logit_l2, forest, boosting or auto",
                });
            }
        })
    }

    /// Whether its targets must be 0 and 1.
    pub fn is_of_probabilities(self) -> bool {
        matches!(
            self,
            LearnerKind::Logit | LearnerKind::LogitL2 | LearnerKind::SplineLogitL2
        )
    }
}
