//! Gradient boosting on histograms: many small trees, each grown on what the ones before left over.
//!
//! Own code in pure Rust. The trusted binding, lightgbm3, needs cmake 3.28 and libclang at build time, which the plain
//! Debian that the platform promises to build on does not have; its advantage of a factor in speed on wide tables is no
//! reason to break that promise.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::inner::inner_folds;
use super::regression::check_classes;
use super::tree::{Binned, GrowParams, Tree, grow};
use super::{
    Classifier, Design, FittedClassifier, FittedRegressor, LearnerError, LearnerFlag, Regressor, check_rows,
};

/// One fold in so many is held out to choose the number of rounds.
const HOLD_OUT: usize = 5;

/// Gradient boosting on the table's own columns: missing values and categories are used as they are.
///
/// Squared error for means, multinomial log loss for classes (one tree a class and round; one for two classes). The
/// number of rounds is the one with the least loss on a fifth of the units, after which all rows are used again.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `rounds_max` | 300 | most rounds |
/// | `patience` | 20 | rounds without a better loss after which the search ends |
/// | `rate` | 0.1 | share of each tree that is added |
/// | `leaves` | 15 | most leaves of a tree |
/// | `rows_min` | 20 | least rows of a leaf |
/// | `lambda` | 1 | quadratic penalty on leaf values, weights being of mean one |
/// | `bins` | 128 | bins of a numeric column |
///
/// Source: Friedman (2001); Ke et al. (2017) for histograms and best-first growth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boosting {
    /// Most rounds.
    pub rounds_max: usize,
    /// Rounds without a better loss after which the search for their number ends.
    pub patience: usize,
    /// Share of each tree that is added.
    pub rate: f64,
    /// Most leaves of a tree.
    pub leaves: usize,
    /// Least rows of a leaf.
    pub rows_min: usize,
    /// Quadratic penalty on leaf values.
    pub lambda: f64,
    /// Bins of a numeric column.
    pub bins: usize,
}

impl Default for Boosting {
    fn default() -> Self {
        Boosting {
            rounds_max: 300,
            patience: 20,
            rate: 0.1,
            leaves: 15,
            rows_min: 20,
            lambda: 1.0,
            bins: 128,
        }
    }
}

/// What is minimised, and what a sum of trees stands for.
#[derive(Clone, Copy)]
enum Loss<'a> {
    /// Squared error of one target.
    Squared(&'a [f64]),
    /// Log loss of a class among K, scores relative to the first class.
    Log(&'a [usize], usize),
}

impl Loss<'_> {
    /// Sums of trees that run side by side.
    fn scores(&self) -> usize {
        match self {
            Loss::Squared(_) => 1,
            Loss::Log(_, 2) => 1,
            Loss::Log(_, n_classes) => *n_classes,
        }
    }

    /// The best constants.
    fn start(&self, w: &[f64], rows: &[usize]) -> Vec<f64> {
        let total: f64 = rows.iter().map(|&i| w[i]).sum();
        match self {
            Loss::Squared(y) => vec![rows.iter().map(|&i| w[i] * y[i]).sum::<f64>() / total],
            Loss::Log(classes, n_classes) => {
                let share = |k: usize| -> f64 {
                    // Half a row of each class keeps logarithms finite where a fold has none.
                    let of: f64 = rows.iter().filter(|&&i| classes[i] == k).map(|&i| w[i]).sum();
                    of + 0.5
                };
                if *n_classes == 2 {
                    vec![(share(1) / share(0)).ln()]
                } else {
                    (0..*n_classes).map(|k| (share(k) / (total + 0.5)).ln()).collect()
                }
            }
        }
    }

    /// Gradient and curvature of score `s` in every row, weighted.
    fn derivatives(&self, f: &Array2<f64>, w: &[f64], s: usize) -> (Vec<f64>, Vec<f64>) {
        match self {
            Loss::Squared(y) => {
                let g = (0..w.len()).map(|i| w[i] * (f[[i, 0]] - y[i])).collect();
                (g, w.to_vec())
            }
            Loss::Log(classes, n_classes) => {
                let class = if *n_classes == 2 { 1 } else { s };
                let mut row = vec![0.0; *n_classes];
                (0..w.len())
                    .map(|i| {
                        probabilities(f.row(i), &mut row);
                        let p = row[class];
                        let hit = f64::from(u8::from(classes[i] == class));
                        (w[i] * (p - hit), (w[i] * p * (1.0 - p)).max(1e-12 * w[i]))
                    })
                    .unzip()
            }
        }
    }

    fn value(&self, f: &Array2<f64>, w: &[f64], rows: &[usize]) -> f64 {
        match self {
            Loss::Squared(y) => rows.iter().map(|&i| w[i] * (y[i] - f[[i, 0]]).powi(2)).sum(),
            Loss::Log(classes, n_classes) => {
                let mut row = vec![0.0; *n_classes];
                let each = |&i: &usize| {
                    probabilities(f.row(i), &mut row);
                    -w[i] * row[classes[i]].max(f64::MIN_POSITIVE).ln()
                };
                rows.iter().map(each).sum()
            }
        }
    }
}

/// Softmax of the scores; of (0, score) where there is one.
fn probabilities(scores: ArrayView1<f64>, out: &mut [f64]) {
    let base = out.len() - scores.len();
    out.fill(0.0);
    out[base..].iter_mut().zip(scores).for_each(|(o, s)| *o = *s);
    let top = out.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
    out.iter_mut().for_each(|v| *v = (*v - top).exp());
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|v| *v /= sum);
}

/// Constants and, round by round, a tree for each score.
struct Ensemble {
    start: Vec<f64>,
    rounds: Vec<Vec<Tree>>,
    rate: f64,
}

impl Ensemble {
    fn scores(&self, x: &Design) -> Array2<f64> {
        Array2::from_shape_fn((x.n(), self.start.len()), |(i, s)| {
            let row = x.row(i);
            self.rounds
                .iter()
                .fold(self.start[s], |f, round| f + self.rate * round[s].predict(row))
        })
    }
}

impl Boosting {
    fn check(&self) -> Result<(), LearnerError> {
        let bad = |name, range| Err(LearnerError::Parameter { name, range });
        if self.rounds_max == 0 {
            return bad("rounds_max", "at least 1");
        }
        if self.leaves < 2 {
            return bad("leaves", "at least 2");
        }
        if self.rows_min == 0 {
            return bad("rows_min", "at least 1");
        }
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return bad("rate", "above 0 and at most 1");
        }
        if !(self.lambda.is_finite() && self.lambda >= 0.0) {
            return bad("lambda", "zero or more");
        }
        Ok(())
    }

    fn boost(&self, x: &Design, loss: Loss<'_>, strata: &[usize], w: &[f64], seed: u64) -> Ensemble {
        let binned = Binned::new(x, w, self.bins);
        let all: Vec<usize> = (0..x.n()).collect();
        let table = Table {
            x,
            binned: &binned,
            w,
        };
        let rounds = match inner_folds(x, strata, HOLD_OUT, seed) {
            Some(folds) => {
                let held = folds.held_out(0);
                self.run(&table, loss, &folds.training(0), Some(&held), self.rounds_max)
                    .rounds
                    .len()
            }
            None => self.rounds_max,
        };
        self.run(&table, loss, &all, None, rounds)
    }

    /// Up to `rounds` rounds on the rows `seen`; with rows held out, as many as had the least loss there.
    fn run(
        &self,
        table: &Table<'_>,
        loss: Loss<'_>,
        seen: &[usize],
        held: Option<&[usize]>,
        rounds: usize,
    ) -> Ensemble {
        let Table { x, binned, w } = *table;
        let start = loss.start(w, seen);
        let mut f = Array2::from_shape_fn((x.n(), start.len()), |(_, s)| start[s]);
        let mut grown: Vec<Vec<Tree>> = Vec::new();
        let (mut least, mut best) = (held.map_or(0.0, |h| loss.value(&f, w, h)), 0);
        let rows: Vec<u32> = seen.iter().filter(|&&i| w[i] > 0.0).map(|&i| i as u32).collect();
        let params = GrowParams {
            leaves_max: self.leaves,
            rows_min: self.rows_min,
            lambda: self.lambda,
            columns: x.p(),
            seed: 0,
        };
        for round in 0..rounds {
            // All gradients are those before the round, so that classes do not depend on their order.
            let derivatives: Vec<_> = (0..loss.scores()).map(|s| loss.derivatives(&f, w, s)).collect();
            let trees: Vec<Tree> = derivatives
                .iter()
                .map(|(g, h)| grow(binned, rows.clone(), g, h, &params))
                .collect();
            for (s, tree) in trees.iter().enumerate() {
                for i in 0..x.n() {
                    f[[i, s]] += self.rate * tree.predict(x.row(i));
                }
            }
            grown.push(trees);
            if let Some(held) = held {
                let value = loss.value(&f, w, held);
                if value < least {
                    (least, best) = (value, round + 1);
                } else if round + 1 >= best + self.patience {
                    break;
                }
            }
        }
        if held.is_some() {
            grown.truncate(best);
        }
        Ensemble {
            start,
            rounds: grown,
            rate: self.rate,
        }
    }
}

/// The rows that trees are grown on.
struct Table<'a> {
    x: &'a Design,
    binned: &'a Binned,
    w: &'a [f64],
}

struct FittedBoosting {
    ensembles: Vec<Ensemble>,
    columns: usize,
}

impl FittedBoosting {
    fn check(&self, x: &Design) -> Result<(), LearnerError> {
        if x.p() == self.columns {
            Ok(())
        } else {
            Err(LearnerError::Columns {
                found: x.p(),
                fitted: self.columns,
            })
        }
    }
}

impl Regressor for Boosting {
    fn name(&self) -> &'static str {
        "boosting"
    }

    fn fit(
        &self,
        x: &Design,
        y: ArrayView2<f64>,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedRegressor>, LearnerError> {
        self.check()?;
        let w = check_rows(x, Some(y), w)?;
        let ensembles = y
            .axis_iter(Axis(1))
            .map(|target| self.boost(x, Loss::Squared(&target.to_vec()), &[], &w, seed))
            .collect();
        Ok(Box::new(FittedBoosting {
            ensembles,
            columns: x.p(),
        }))
    }
}

impl FittedRegressor for FittedBoosting {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        self.check(x)?;
        let mut out = Array2::zeros((x.n(), self.ensembles.len()));
        for (mut column, ensemble) in out.axis_iter_mut(Axis(1)).zip(&self.ensembles) {
            column.assign(&ensemble.scores(x).column(0));
        }
        Ok(out)
    }

    fn flags(&self) -> &[LearnerFlag] {
        &[]
    }
}

struct FittedOdds {
    inner: FittedBoosting,
    n_classes: usize,
}

impl Classifier for Boosting {
    fn name(&self) -> &'static str {
        "boosting"
    }

    fn fit(
        &self,
        x: &Design,
        classes: &[usize],
        n_classes: usize,
        w: &[f64],
        seed: u64,
    ) -> Result<Box<dyn FittedClassifier>, LearnerError> {
        self.check()?;
        let w = check_rows(x, None, w)?;
        check_classes(x, classes, n_classes, &w)?;
        let ensemble = self.boost(x, Loss::Log(classes, n_classes), classes, &w, seed);
        Ok(Box::new(FittedOdds {
            inner: FittedBoosting {
                ensembles: vec![ensemble],
                columns: x.p(),
            },
            n_classes,
        }))
    }
}

impl FittedClassifier for FittedOdds {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        self.inner.check(x)?;
        let scores = self.inner.ensembles[0].scores(x);
        let mut p = Array2::zeros((x.n(), self.n_classes));
        let mut row = vec![0.0; self.n_classes];
        for (i, mut out) in p.outer_iter_mut().enumerate() {
            probabilities(scores.row(i), &mut row);
            out.iter_mut().zip(&row).for_each(|(o, p)| *o = *p);
        }
        Ok(p)
    }

    fn flags(&self) -> &[LearnerFlag] {
        &[]
    }
}
