//! Cross-fitting: nuisances are learned on the rows outside a fold and predicted on the rows inside it, so that no unit's
//! score sees a nuisance that has seen the unit.
//!
//! Every (repeat, fold, fit) is one task. Tasks run in parallel, each sequential inside; their predictions land in the
//! rows held out in a fixed order, so results do not depend on the number of threads. A nuisance is a fit of its own
//! unless it shares one.

mod error;
mod nuisance;
mod propensity;

use std::collections::BTreeMap;

pub use error::CrossFitError;
use ndarray::{Array2, s};
pub(crate) use nuisance::{Nuisance, Part, Predicted, fit_classes, fit_means};
pub(crate) use propensity::Propensities;
pub use propensity::PropensitySource;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::learner::LearnerFlag;
use crate::progress::Counter;
use crate::sample::{CheckedRows, Folds};

/// How often a nuisance's fits raised a flag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlagCount {
    /// The nuisance, such as `g_1` or `m`.
    pub nuisance: String,
    /// What was flagged.
    pub flag: LearnerFlag,
    /// Fits (one a fold and repeat) that flagged it.
    pub fits: usize,
}

/// The nuisances of a recipe.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    nuisances: Vec<Nuisance<'a>>,
}

/// Names a nuisance of a [`Plan`] in its [`Hats`].
#[derive(Clone, Copy)]
pub(crate) struct Key(usize);

/// The predictions of one repeat for every row, nuisance by nuisance.
pub(crate) struct Hats(Vec<Array2<f64>>);

impl Hats {
    /// All columns of a nuisance, n × (targets or classes).
    pub(crate) fn all(&self, key: Key) -> &Array2<f64> {
        &self.0[key.0]
    }

    /// One column of a nuisance.
    pub(crate) fn column(&self, key: Key, j: usize) -> Vec<f64> {
        self.0[key.0].column(j).to_vec()
    }

    /// A nuisance of one column.
    pub(crate) fn only(&self, key: Key) -> Vec<f64> {
        self.column(key, 0)
    }
}

/// Predictions for every row, and the flags raised.
pub(crate) struct CrossFitted {
    /// One a repeat.
    pub(crate) repeats: Vec<Hats>,
    pub(crate) flags: Vec<FlagCount>,
}

impl<'a> Plan<'a> {
    /// Adds a nuisance.
    pub(crate) fn add(&mut self, nuisance: Nuisance<'a>) -> Key {
        self.nuisances.push(nuisance);
        Key(self.nuisances.len() - 1)
    }

    /// The nuisances, each with those after it that share its fit.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (number, nuisance) in self.nuisances.iter().enumerate() {
            let shares = |g: &&mut Vec<usize>| self.nuisances[g[0]].shares_fit(nuisance);
            match groups.iter_mut().find(shares) {
                Some(group) => group.push(number),
                None => groups.push(vec![number]),
            }
        }
        groups
    }

    /// Fits that a run over these repeats takes.
    pub(crate) fn fits(&self, folds: &[Folds]) -> usize {
        self.groups().len() * folds.iter().map(Folds::k).sum::<usize>()
    }

    /// Runs all tasks in parallel. `seed_of` gives each its seed, by its number `part * nuisances + nuisance`, parts being
    /// the folds of all repeats.
    pub(crate) fn run(
        &self,
        rows: &CheckedRows<'_>,
        folds: &[Folds],
        seed_of: impl Fn(usize) -> u64 + Sync,
        counter: &Counter<'_>,
    ) -> Result<CrossFitted, CrossFitError> {
        let nuisances = &self.nuisances;
        let groups = self.groups();
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
        let outcomes: Vec<Result<_, CrossFitError>> = tasks
            .par_iter()
            .map(|&(repeat, fold, group, seed)| {
                counter.go_on()?;
                let rest: Vec<_> = group[1..].iter().map(|&n| &nuisances[n]).collect();
                let fitted = nuisances[group[0]].fit_and_predict(&rest, rows, &folds[repeat], fold, seed)?;
                counter.one_done();
                Ok(fitted)
            })
            .collect();

        let blank = |n: &Nuisance<'_>| Array2::zeros((rows.x.n(), n.width()));
        let mut repeats: Vec<Hats> = folds
            .iter()
            .map(|_| Hats(nuisances.iter().map(blank).collect()))
            .collect();
        let mut flags = BTreeMap::new();
        for (&(repeat, fold, group, _), outcome) in tasks.iter().zip(outcomes) {
            let (predicted, raised) = outcome?;
            let mut first = 0;
            for &nuisance in group {
                let columns = first..first + nuisances[nuisance].width();
                first = columns.end;
                folds[repeat].place(
                    fold,
                    predicted.slice(s![.., columns]),
                    &mut repeats[repeat].0[nuisance],
                );
                for &flag in &raised {
                    *flags.entry((nuisance, flag)).or_insert(0) += 1;
                }
            }
        }
        counter.go_on()?;
        let named = |((nuisance, flag), fits): ((usize, LearnerFlag), usize)| FlagCount {
            nuisance: nuisances[nuisance].name().to_owned(),
            flag,
            fits,
        };
        Ok(CrossFitted {
            repeats,
            flags: flags.into_iter().map(named).collect(),
        })
    }
}
