//! Cross-fitting: every (repeat, fold, fit) is one task; predictions land in the rows held out. A nuisance is a fit of its
//! own unless it shares one.

use std::collections::BTreeMap;

use ceteris_stats::Unit;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::progress::Counter;
use super::{DmlError, FlagCount, Watch};
use crate::learner::{Classifier, Design, LearnerError, LearnerFlag, Regressor};
use crate::sample::Folds;

/// The rows that all nuisances of a fit are learned on.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    pub(super) x: &'a Design,
    pub(super) units: &'a [Unit],
    pub(super) w: &'a [f64],
}

impl Sample<'_> {
    /// Some of the rows as a table that knows whose they are, and their weights.
    pub(super) fn take(&self, rows: &[usize]) -> (Design, Vec<f64>) {
        let units = rows.iter().map(|&i| self.units[i]).collect();
        let w = rows.iter().map(|&i| self.w[i]).collect();
        (self.x.select(rows).of_units(units), w)
    }
}

/// What a nuisance is regressed on.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// Means of targets n × m.
    Mean(&'a dyn Regressor, ArrayView2<'a, f64>),
    /// Probabilities of `K` classes.
    Classes(&'a dyn Classifier, &'a [usize], usize),
    /// A chain of fits that answers so many columns.
    Chain(usize, Chain<'a>),
}

/// A nuisance that takes several fits: from training rows, rows held out and a seed to predictions for the latter.
pub(super) type Chain<'a> = &'a (dyn Fn(&[usize], &[usize], u64) -> Result<Predicted, LearnerError> + Sync);

/// Predictions of rows held out, with what the learner flagged.
pub(super) type Predicted = (Array2<f64>, Vec<LearnerFlag>);

/// One nuisance to be learned outside a fold and predicted inside it, with its name in reports.
pub(super) struct Nuisance<'a> {
    name: String,
    target: Target<'a>,
    /// Only the training rows with this value of these labels are learned from.
    among: Option<(&'a [usize], usize)>,
}

impl<'a> Nuisance<'a> {
    /// The mean of one target.
    pub(super) fn mean(name: impl Into<String>, learner: &'a dyn Regressor, y: &'a [f64]) -> Self {
        Nuisance::means(name, learner, ArrayView1::from(y).insert_axis(Axis(1)))
    }

    /// The means of several targets, n × m, in one fit.
    pub(super) fn means(name: impl Into<String>, learner: &'a dyn Regressor, y: ArrayView2<'a, f64>) -> Self {
        Nuisance {
            name: name.into(),
            target: Target::Mean(learner, y),
            among: None,
        }
    }

    /// The probabilities of classes.
    pub(super) fn classes(
        name: impl Into<String>,
        learner: &'a dyn Classifier,
        classes: &'a [usize],
        n_classes: usize,
    ) -> Self {
        Nuisance {
            name: name.into(),
            target: Target::Classes(learner, classes, n_classes),
            among: None,
        }
    }

    /// What a chain of fits answers, `width` columns.
    pub(super) fn chain(name: impl Into<String>, width: usize, chain: Chain<'a>) -> Self {
        Nuisance {
            name: name.into(),
            target: Target::Chain(width, chain),
            among: None,
        }
    }

    /// Learned from the rows alone whose label is `arm`.
    pub(super) fn among(mut self, labels: &'a [usize], arm: usize) -> Self {
        self.among = Some((labels, arm));
        self
    }

    fn width(&self) -> usize {
        match self.target {
            Target::Mean(_, y) => y.ncols(),
            Target::Classes(_, _, width) | Target::Chain(width, _) => width,
        }
    }

    /// The training rows of a fold that this nuisance may learn from.
    fn training(&self, folds: &Folds, fold: usize) -> Result<Vec<usize>, DmlError> {
        let mut training = folds.training(fold);
        if let Some((labels, arm)) = self.among {
            training.retain(|&i| labels[i] == arm);
            let rows = training.len();
            if rows < 2 {
                return Err(DmlError::ThinArm { arm, fold, rows });
            }
        }
        Ok(training)
    }

    /// Whether this nuisance and another come out of one fit of both targets as they do of two.
    fn shares_fit(&self, other: &Nuisance<'_>) -> bool {
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
    fn fit_and_predict(
        &self,
        rest: &[&Nuisance<'a>],
        sample: &Sample<'_>,
        folds: &Folds,
        fold: usize,
        seed: u64,
    ) -> Result<Predicted, DmlError> {
        let training = self.training(folds, fold)?;
        let held = folds.held_out(fold);
        let failed = |source: LearnerError| DmlError::Learner {
            nuisance: self.name.clone(),
            fold,
            source,
        };
        let predicted = match self.target {
            Target::Chain(_, chain) => chain(&training, &held, seed),
            Target::Mean(learner, y) => {
                let others = rest.iter().filter_map(|n| match n.target {
                    Target::Mean(_, y) => Some(y),
                    _ => None,
                });
                let targets: Vec<_> = std::iter::once(y).chain(others).collect();
                fit_means(sample, learner, &targets, &training, &held, seed)
            }
            Target::Classes(learner, classes, n_classes) => {
                let classes: Vec<usize> = training.iter().map(|&i| classes[i]).collect();
                fit_classes(sample, learner, &classes, n_classes, &training, &held, seed)
            }
        };
        predicted.map_err(failed)
    }
}

/// Learns the means of all columns of `targets` (of n rows each) on the training rows and predicts them for those held
/// out.
pub(super) fn fit_means(
    sample: &Sample<'_>,
    learner: &dyn Regressor,
    targets: &[ArrayView2<f64>],
    training: &[usize],
    held: &[usize],
    seed: u64,
) -> Result<Predicted, LearnerError> {
    let (x, w) = sample.take(training);
    let columns = targets.iter().flat_map(|y| y.axis_iter(Axis(1)));
    let mut y = Array2::zeros((training.len(), columns.clone().count()));
    for (mut to, from) in y.axis_iter_mut(Axis(1)).zip(columns) {
        to.iter_mut().zip(training).for_each(|(to, &i)| *to = from[i]);
    }
    let fitted = learner.fit(&x, y.view(), &w, seed)?;
    Ok((fitted.predict(&sample.take(held).0)?, fitted.flags().to_vec()))
}

/// Learns probabilities on the training rows, whose classes are given, and predicts them for those held out.
pub(super) fn fit_classes(
    sample: &Sample<'_>,
    learner: &dyn Classifier,
    classes: &[usize],
    n_classes: usize,
    training: &[usize],
    held: &[usize],
    seed: u64,
) -> Result<Predicted, LearnerError> {
    let (x, w) = sample.take(training);
    let fitted = learner.fit(&x, classes, n_classes, &w, seed)?;
    Ok((fitted.predict(&sample.take(held).0)?, fitted.flags().to_vec()))
}

/// Predictions for every row: `[repeat][nuisance]` of n × (targets or classes), and the flags raised.
pub(super) struct CrossFitted {
    pub(super) predictions: Vec<Vec<Array2<f64>>>,
    pub(super) flags: Vec<FlagCount>,
}

/// The nuisances, each with those after it that share its fit.
fn groups(nuisances: &[Nuisance<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (number, nuisance) in nuisances.iter().enumerate() {
        match groups.iter_mut().find(|g| nuisances[g[0]].shares_fit(nuisance)) {
            Some(group) => group.push(number),
            None => groups.push(vec![number]),
        }
    }
    groups
}

/// Runs all tasks in parallel; `seed_of` gives each its seed.
pub(super) fn cross_fit(
    sample: &Sample<'_>,
    folds: &[Folds],
    nuisances: &[Nuisance<'_>],
    seed_of: impl Fn(usize) -> u64 + Sync,
    watch: Watch<'_>,
) -> Result<CrossFitted, DmlError> {
    let groups = groups(nuisances);
    let cuts = folds.iter().enumerate();
    let tasks: Vec<(usize, usize, &[usize], u64)> = cuts
        .flat_map(|(repeat, cut)| (0..cut.k()).map(move |fold| (repeat, fold)))
        .enumerate()
        .flat_map(|(number, (repeat, fold))| {
            // Numbered by nuisance, so that a seed does not depend on which of the others share a fit.
            let first = number * nuisances.len();
            let seed_of = &seed_of;
            groups
                .iter()
                .map(move |group| (repeat, fold, &group[..], seed_of(first + group[0])))
        })
        .collect();
    let counter = Counter::new(watch, tasks.len());
    let outcomes: Vec<Result<_, DmlError>> = tasks
        .par_iter()
        .map(|&(repeat, fold, group, seed)| {
            counter.go_on()?;
            let rest: Vec<_> = group[1..].iter().map(|&n| &nuisances[n]).collect();
            let fitted = nuisances[group[0]].fit_and_predict(&rest, sample, &folds[repeat], fold, seed)?;
            counter.one_done();
            Ok(fitted)
        })
        .collect();

    let blank = |n: &Nuisance<'_>| Array2::zeros((sample.x.n(), n.width()));
    let mut predictions: Vec<Vec<_>> = folds
        .iter()
        .map(|_| nuisances.iter().map(blank).collect())
        .collect();
    let mut flags = BTreeMap::new();
    for (&(repeat, fold, group, _), outcome) in tasks.iter().zip(outcomes) {
        let (predicted, raised) = outcome?;
        let held = folds[repeat].held_out(fold);
        let mut first = 0;
        for &nuisance in group {
            let columns = first..first + nuisances[nuisance].width();
            first = columns.end;
            for (&i, row) in held.iter().zip(predicted.slice(s![.., columns]).outer_iter()) {
                predictions[repeat][nuisance].row_mut(i).assign(&row);
            }
            for &flag in &raised {
                *flags.entry((nuisance, flag)).or_insert(0) += 1;
            }
        }
    }
    counter.go_on()?;
    let named = |((nuisance, flag), fits): ((usize, LearnerFlag), usize)| FlagCount {
        nuisance: nuisances[nuisance].name.clone(),
        flag,
        fits,
    };
    Ok(CrossFitted {
        predictions,
        flags: flags.into_iter().map(named).collect(),
    })
}
