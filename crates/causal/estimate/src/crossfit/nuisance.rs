//! One nuisance: what it is regressed on, from which rows, and how it is learned outside a fold and predicted inside it.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::CrossFitError;
use crate::learner::{Classifier, Design, LearnerError, LearnerFlag, Regressor};
use crate::sample::{Arms, CheckedRows, Folds};

impl CheckedRows<'_> {
    /// Some of the rows as a table that knows whose they are, and their weights.
    fn take(&self, rows: &[usize]) -> (Design, Vec<f64>) {
        let w = rows.iter().map(|&i| self.w[i]).collect();
        let x = self.x.select(rows);
        match self.unit {
            Some(unit) => (x.of_units(rows.iter().map(|&i| unit[i]).collect()), w),
            None => (x, w),
        }
    }
}

/// What a nuisance is regressed on.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// Means of targets n × m.
    Mean(&'a dyn Regressor, ArrayView2<'a, f64>),
    /// Probabilities of classes.
    Classes(&'a dyn Classifier, Arms<'a>),
    /// A chain of fits that answers so many columns.
    Chain(usize, Chain<'a>),
}

/// Which rows are learned from, for which rows the fit answers, and the seed it may use.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) training: &'a [usize],
    pub(crate) held: &'a [usize],
    pub(crate) seed: u64,
}

/// A nuisance that takes several fits: from a part of the sample to predictions for its rows held out.
pub(crate) type Chain<'a> = &'a (dyn Fn(Part<'_>) -> Result<Predicted, LearnerError> + Sync);

/// Predictions of rows held out, with what the learner flagged.
pub(crate) type Predicted = (Array2<f64>, Vec<LearnerFlag>);

/// One nuisance to be learned outside a fold and predicted inside it, with its name in reports.
pub(crate) struct Nuisance<'a> {
    name: String,
    target: Target<'a>,
    /// Only the training rows with this value of these labels are learned from.
    among: Option<(&'a [usize], usize)>,
}

impl<'a> Nuisance<'a> {
    /// The mean of one target.
    pub(crate) fn mean(name: impl Into<String>, learner: &'a dyn Regressor, y: &'a [f64]) -> Self {
        Nuisance::means(name, learner, ArrayView1::from(y).insert_axis(Axis(1)))
    }

    /// The means of several targets, n × m, in one fit.
    pub(crate) fn means(name: impl Into<String>, learner: &'a dyn Regressor, y: ArrayView2<'a, f64>) -> Self {
        Nuisance {
            name: name.into(),
            target: Target::Mean(learner, y),
            among: None,
        }
    }

    /// The probabilities of classes.
    pub(crate) fn classes(name: impl Into<String>, learner: &'a dyn Classifier, classes: Arms<'a>) -> Self {
        Nuisance {
            name: name.into(),
            target: Target::Classes(learner, classes),
            among: None,
        }
    }

    /// What a chain of fits answers, `width` columns.
    pub(crate) fn chain(name: impl Into<String>, width: usize, chain: Chain<'a>) -> Self {
        Nuisance {
            name: name.into(),
            target: Target::Chain(width, chain),
            among: None,
        }
    }

    /// Learned from the rows alone whose label is `arm`.
    pub(crate) fn among(mut self, labels: &'a [usize], arm: usize) -> Self {
        self.among = Some((labels, arm));
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn width(&self) -> usize {
        match self.target {
            Target::Mean(_, y) => y.ncols(),
            Target::Classes(_, classes) => classes.count,
            Target::Chain(width, _) => width,
        }
    }

    /// The training rows of a fold that this nuisance may learn from.
    fn training(&self, folds: &Folds, fold: usize) -> Result<Vec<usize>, CrossFitError> {
        let mut training = folds.training(fold);
        if let Some((labels, arm)) = self.among {
            training.retain(|&i| labels[i] == arm);
            let rows = training.len();
            if rows < 2 {
                return Err(CrossFitError::ThinArm { arm, fold, rows });
            }
        }
        Ok(training)
    }

    /// Whether this nuisance and another come out of one fit of both targets as they do of two.
    pub(super) fn shares_fit(&self, other: &Nuisance<'_>) -> bool {
        let linear = |n: &Nuisance<'_>| match n.target {
            Target::Mean(learner, _) => learner.linear(),
            _ => None,
        };
        let same_rows = match (self.among, other.among) {
            (None, None) => true,
            (Some((labels, arm)), Some((its_labels, its_arm))) => {
                std::ptr::eq(labels, its_labels) && arm == its_arm
            }
            _ => false,
        };
        linear(self).is_some_and(|learner| linear(other) == Some(learner)) && same_rows
    }

    /// `rest` share the fit; their predictions come after this nuisance's own.
    pub(super) fn fit_and_predict(
        &self,
        rest: &[&Nuisance<'a>],
        sample: &CheckedRows<'_>,
        folds: &Folds,
        fold: usize,
        seed: u64,
    ) -> Result<Predicted, CrossFitError> {
        let training = self.training(folds, fold)?;
        let held = folds.held_out(fold);
        let failed = |source: LearnerError| CrossFitError::Learner {
            nuisance: self.name.clone(),
            fold,
            source,
        };
        let predicted = match self.target {
            Target::Chain(_, chain) => chain(Part {
                training: &training,
                held: &held,
                seed,
            }),
            Target::Mean(learner, y) => {
                let others = rest.iter().filter_map(|n| match n.target {
                    Target::Mean(_, y) => Some(y),
                    _ => None,
                });
                let targets: Vec<_> = std::iter::once(y).chain(others).collect();
                fit_means(
                    sample,
                    learner,
                    &targets,
                    Part {
                        training: &training,
                        held: &held,
                        seed,
                    },
                )
            }
            Target::Classes(learner, classes) => fit_classes(
                sample,
                learner,
                classes,
                Part {
                    training: &training,
                    held: &held,
                    seed,
                },
            ),
        };
        predicted.map_err(failed)
    }
}

/// Learns the means of all columns of `targets` (of n rows each) on the training rows and predicts them for those held
/// out.
pub(crate) fn fit_means(
    sample: &CheckedRows<'_>,
    learner: &dyn Regressor,
    targets: &[ArrayView2<f64>],
    part: Part<'_>,
) -> Result<Predicted, LearnerError> {
    let Part { training, held, seed } = part;
    let (x, w) = sample.take(training);
    let columns = targets.iter().flat_map(|y| y.axis_iter(Axis(1)));
    let mut y = Array2::zeros((training.len(), columns.clone().count()));
    for (mut to, from) in y.axis_iter_mut(Axis(1)).zip(columns) {
        to.iter_mut().zip(training).for_each(|(to, &i)| *to = from[i]);
    }
    let fitted = learner.fit(&x, y.view(), &w, seed)?;
    Ok((fitted.predict(&sample.take(held).0)?, fitted.flags().to_vec()))
}

/// Learns probabilities on the training rows and predicts them for those held out.
pub(crate) fn fit_classes(
    sample: &CheckedRows<'_>,
    learner: &dyn Classifier,
    classes: Arms<'_>,
    part: Part<'_>,
) -> Result<Predicted, LearnerError> {
    let Part { training, held, seed } = part;
    let (x, w) = sample.take(training);
    let had: Vec<usize> = training.iter().map(|&i| classes.of_row[i]).collect();
    let fitted = learner.fit(&x, &had, classes.count, &w, seed)?;
    Ok((fitted.predict(&sample.take(held).0)?, fitted.flags().to_vec()))
}
