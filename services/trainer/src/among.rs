//! A classifier that reads some of a design's columns. Regressions and propensities of one fit share a design, but the
//! graph may say that fewer columns move the treatment.

use ceteris_estimate::learner::{Classifier, Design, FittedClassifier, LearnerError, LearnerFlag};
use ndarray::{Array2, Axis};

/// A classifier among the given columns; with none it learns the shares of the classes.
pub(crate) struct Among<C> {
    /// Positions of the columns read.
    pub(crate) columns: Vec<usize>,
    /// What learns from them.
    pub(crate) learner: C,
}

impl<C: Classifier> Classifier for Among<C> {
    fn name(&self) -> &'static str {
        self.learner.name()
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        let fitted = self
            .learner
            .fit(&narrow(x, &self.columns)?, classes, n_classes, w, seed)?;
        Ok(Box::new(FittedAmong {
            columns: self.columns.clone(),
            fitted,
        }))
    }
}

struct FittedAmong {
    columns: Vec<usize>,
    fitted: Box<dyn FittedClassifier>,
}

impl FittedClassifier for FittedAmong {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        self.fitted.predict(&narrow(x, &self.columns)?)
    }

    fn flags(&self) -> &[LearnerFlag] {
        self.fitted.flags()
    }
}

fn narrow(x: &Design, columns: &[usize]) -> Result<Design, LearnerError> {
    let refused = LearnerError::Columns {
        found: x.p(),
        fitted: columns.len(),
    };
    if columns.iter().any(|at| *at >= x.p()) {
        return Err(refused);
    }
    let kinds = columns.iter().map(|at| x.columns()[*at].clone()).collect();
    // What was valid in the whole table is so in a part of it.
    Design::new(x.values().select(Axis(1), columns), kinds).map_err(|_| refused)
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;
    use ceteris_estimate::learner::{BasisParams, Logistic};

    use super::*;

    fn table() -> Design {
        let a = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let b = vec![5.0, 5.0, 1.0, 0.0, 2.0, 9.0];
        Design::from_columns(vec![(Column::numeric("a"), a), (Column::numeric("b"), b)]).unwrap()
    }

    #[test]
    fn other_columns_do_not_matter_and_no_columns_give_shares() {
        let learner = Logistic::logit_l2(BasisParams::LINEAR, 1.0);
        let classes = [0, 1, 0, 1, 1, 1];
        let fit = |columns: Vec<usize>| {
            let fitted = Among { columns, learner }
                .fit(&table(), &classes, 2, &[1.0; 6], 0)
                .unwrap();
            fitted.predict(&table()).unwrap()
        };
        let alone = Design::new(
            table().values().select(Axis(1), &[0]),
            table().columns()[..1].to_vec(),
        )
        .unwrap();
        let direct = learner
            .fit(&alone, &classes, 2, &[1.0; 6], 0)
            .unwrap()
            .predict(&alone)
            .unwrap();
        assert_eq!(fit(vec![0]), direct);
        let shares = fit(vec![]);
        assert!(
            shares.column(1).iter().all(|p| (p - 4.0 / 6.0).abs() < 1e-9),
            "{shares}"
        );
        assert!(
            Among {
                columns: vec![2],
                learner
            }
            .fit(&table(), &classes, 2, &[1.0; 6], 0)
            .is_err()
        );
    }
}
