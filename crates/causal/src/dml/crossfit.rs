//! Cross-fitting: every (repeat, fold, nuisance) is one task; predictions land in the rows held out.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::progress::Counter;
use super::{DmlError, FlagCount, Watch};
use crate::learner::{Classifier, Design, LearnerError, LearnerFlag, Regressor};
use crate::sample::Folds;

/// One nuisance to be learned outside a fold and predicted inside it.
pub(super) enum Nuisance<'a> {
    /// Targets n × m regressed on the training rows that `among` admits (all, where absent).
    Mean {
        learner: &'a dyn Regressor,
        y: ArrayView2<'a, f64>,
        among: Option<(&'a [usize], usize)>,
    },
    /// Class probabilities.
    Classes {
        learner: &'a dyn Classifier,
        classes: &'a [usize],
        n_classes: usize,
    },
}

/// A nuisance with its name in reports.
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) nuisance: Nuisance<'a>,
}

/// Predictions for every row: `[repeat][nuisance]` of n × (targets or classes), and the flags raised.
pub(super) struct CrossFitted {
    pub(super) predictions: Vec<Vec<Array2<f64>>>,
    pub(super) flags: Vec<FlagCount>,
}

/// Runs all tasks in parallel; `seed_of` gives each its seed.
pub(super) fn cross_fit(
    x: &Design,
    w: &[f64],
    folds: &[Folds],
    nuisances: &[Named<'_>],
    seed_of: impl Fn(usize) -> u64 + Sync,
    watch: Watch<'_>,
) -> Result<CrossFitted, DmlError> {
    let mut tasks = Vec::new();
    for (repeat, cut) in folds.iter().enumerate() {
        for fold in 0..cut.k() {
            tasks.extend((0..nuisances.len()).map(|nuisance| (repeat, fold, nuisance)));
        }
    }
    let counter = Counter::new(watch, tasks.len());
    let outcomes: Vec<Result<_, DmlError>> = tasks
        .par_iter()
        .enumerate()
        .map(|(number, &(repeat, fold, nuisance))| {
            counter.go_on()?;
            let fitted = fit_one(x, w, &folds[repeat], fold, &nuisances[nuisance], seed_of(number))?;
            counter.one_done();
            Ok(fitted)
        })
        .collect();

    let blank = |n: &Named<'_>| Array2::zeros((x.n(), n.nuisance.width()));
    let mut predictions: Vec<Vec<_>> = folds
        .iter()
        .map(|_| nuisances.iter().map(blank).collect())
        .collect();
    let mut flags = BTreeMap::new();
    for (&(repeat, fold, nuisance), outcome) in tasks.iter().zip(outcomes) {
        let (predicted, raised) = outcome?;
        for (&i, row) in folds[repeat].held_out(fold).iter().zip(predicted.outer_iter()) {
            predictions[repeat][nuisance].row_mut(i).assign(&row);
        }
        for flag in raised {
            *flags.entry((nuisance, flag)).or_insert(0) += 1;
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

fn fit_one(
    x: &Design,
    w: &[f64],
    folds: &Folds,
    fold: usize,
    named: &Named<'_>,
    seed: u64,
) -> Result<(Array2<f64>, Vec<LearnerFlag>), DmlError> {
    let mut training = folds.training(fold);
    if let Nuisance::Mean {
        among: Some((arms, arm)),
        ..
    } = named.nuisance
    {
        training.retain(|&i| arms[i] == arm);
        if training.len() < 2 {
            return Err(DmlError::ThinArm {
                arm,
                fold,
                rows: training.len(),
            });
        }
    }
    let train_x = x.select(&training);
    let held_x = x.select(&folds.held_out(fold));
    let train_w: Vec<f64> = training.iter().map(|&i| w[i]).collect();
    let failed = |source: LearnerError| DmlError::Learner {
        nuisance: named.name.clone(),
        fold,
        source,
    };
    match &named.nuisance {
        Nuisance::Mean { learner, y, .. } => {
            let train_y = y.select(Axis(0), &training);
            let fitted = learner
                .fit(&train_x, train_y.view(), &train_w, seed)
                .map_err(failed)?;
            Ok((fitted.predict(&held_x).map_err(failed)?, fitted.flags().to_vec()))
        }
        Nuisance::Classes {
            learner,
            classes,
            n_classes,
        } => {
            let train_c: Vec<usize> = training.iter().map(|&i| classes[i]).collect();
            let fitted = learner
                .fit(&train_x, &train_c, *n_classes, &train_w, seed)
                .map_err(failed)?;
            Ok((fitted.predict(&held_x).map_err(failed)?, fitted.flags().to_vec()))
        }
    }
}

impl Nuisance<'_> {
    fn width(&self) -> usize {
        match self {
            Nuisance::Mean { y, .. } => y.ncols(),
            Nuisance::Classes { n_classes, .. } => *n_classes,
        }
    }
}
