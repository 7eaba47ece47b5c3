//! Random forests as nuisance learners: means of many trees, each grown on a part of the units.
//!
//! These are predictors. The forest of effects, with honest leaves and intervals, is a module of its own.

use ceteris_stats::{hash, uniform};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::regression::check_classes;
use super::tree::{Binned, GrowParams, Tree, grow};
use super::{
    Classifier, Design, FittedClassifier, FittedRegressor, LearnerError, LearnerFlag, Regressor, check_rows,
};

/// Salts of the draw of units and of the trees' seeds.
const UNIT_SALT: u64 = 0x0075_6e69_7473;
const TREE_SALT: u64 = 0x7472_6565;

/// A random forest on the table's own columns: missing values and categories are used as they are.
///
/// | parameter | default | meaning |
/// |---|---|---|
/// | `trees` | 300 | trees; their mean is the prediction |
/// | `rows_min` | 5 | least rows of a leaf |
/// | `share` | 0.63 | share of the units that a tree sees, drawn without replacement by hash(seed, tree, unit) |
/// | `columns` | a third, at least 2 | columns looked at in each node |
/// | `bins` | 64 | bins of a numeric column |
///
/// A class's probability is the mean of its indicator; with more than two classes, one forest each, normalised.
///
/// Source: Breiman (2001); subsampling instead of the bootstrap: Bühlmann and Yu (2002).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forest {
    /// Number of trees.
    pub trees: usize,
    /// Least rows of a leaf.
    pub rows_min: usize,
    /// Share of the units that a tree sees.
    pub share: f64,
    /// Columns looked at in each node; a third of them, at least two, where absent.
    pub columns: Option<usize>,
    /// Bins of a numeric column.
    pub bins: usize,
}

impl Default for Forest {
    fn default() -> Self {
        Forest {
            trees: 300,
            rows_min: 5,
            share: 0.63,
            columns: None,
            bins: 64,
        }
    }
}

impl Forest {
    fn check(&self) -> Result<(), LearnerError> {
        let bad = |name, range| Err(LearnerError::Parameter { name, range });
        if self.trees == 0 {
            return bad("trees", "at least 1");
        }
        if self.rows_min == 0 {
            return bad("rows_min", "at least 1");
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return bad("share", "above 0 and at most 1");
        }
        if self.columns == Some(0) {
            return bad("columns", "at least 1");
        }
        Ok(())
    }

    /// One forest for each column of `y`, all on the same bins.
    fn grow(&self, x: &Design, y: ArrayView2<f64>, w: &[f64], seed: u64) -> FittedForest {
        let binned = Binned::new(x, w, self.bins);
        let units = x.units();
        let targets = y
            .axis_iter(Axis(1))
            .map(|target| {
                let total: f64 = w.iter().sum();
                let mean = target.iter().zip(w).map(|(y, w)| y * w).sum::<f64>() / total;
                let g: Vec<f64> = target.iter().zip(w).map(|(y, w)| -w * (y - mean)).collect();
                let trees = (0..self.trees as u64)
                    .into_par_iter()
                    .map(|t| {
                        let tree_seed = hash(seed, &t.to_le_bytes(), TREE_SALT);
                        let drawn = |i: &u32| {
                            let i = *i as usize;
                            w[i] > 0.0 && uniform(tree_seed, units[i].bytes(), UNIT_SALT) < self.share
                        };
                        let rows: Vec<u32> = (0..x.n() as u32).filter(drawn).collect();
                        let params = GrowParams {
                            leaves_max: usize::MAX,
                            rows_min: self.rows_min,
                            lambda: 0.0,
                            columns: self.columns.unwrap_or_else(|| x.p().div_ceil(3).max(2)),
                            seed: tree_seed,
                        };
                        grow(&binned, rows, &g, w, &params)
                    })
                    .collect();
                (mean, trees)
            })
            .collect();
        FittedForest {
            targets,
            columns: x.p(),
        }
    }
}

/// For each target its mean, and trees of what departs from it.
struct FittedForest {
    targets: Vec<(f64, Vec<Tree>)>,
    columns: usize,
}

impl FittedRegressor for FittedForest {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        if x.p() != self.columns {
            return Err(LearnerError::Columns {
                found: x.p(),
                fitted: self.columns,
            });
        }
        Ok(Array2::from_shape_fn((x.n(), self.targets.len()), |(i, j)| {
            let (mean, trees) = &self.targets[j];
            let row = x.row(i);
            mean + trees.iter().map(|t| t.predict(row)).sum::<f64>() / trees.len() as f64
        }))
    }

    fn flags(&self) -> &[LearnerFlag] {
        &[]
    }
}

impl Regressor for Forest {
    fn name(&self) -> &'static str {
        "forest"
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
        Ok(Box::new(self.grow(x, y, &w, seed)))
    }
}

/// Forests of class indicators.
struct FittedShares(FittedForest);

impl Classifier for Forest {
    fn name(&self) -> &'static str {
        "forest"
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
        // Two classes need one forest.
        let first = if n_classes == 2 { 1 } else { 0 };
        let indicators = Array2::from_shape_fn((x.n(), n_classes - first), |(i, k)| {
            f64::from(u8::from(classes[i] == k + first))
        });
        Ok(Box::new(FittedShares(self.grow(x, indicators.view(), &w, seed))))
    }
}

impl FittedClassifier for FittedShares {
    fn predict(&self, x: &Design) -> Result<Array2<f64>, LearnerError> {
        let shares = self.0.predict(x)?;
        if shares.ncols() == 1 {
            return Ok(Array2::from_shape_fn((x.n(), 2), |(i, k)| {
                let p = shares[[i, 0]].clamp(0.0, 1.0);
                if k == 1 { p } else { 1.0 - p }
            }));
        }
        let mut p = shares.mapv(|v| v.clamp(0.0, 1.0));
        for mut row in p.outer_iter_mut() {
            let sum = row.sum();
            let even = 1.0 / row.len() as f64;
            row.mapv_inplace(|v| if sum > 0.0 { v / sum } else { even });
        }
        Ok(p)
    }

    fn flags(&self) -> &[LearnerFlag] {
        &[]
    }
}
