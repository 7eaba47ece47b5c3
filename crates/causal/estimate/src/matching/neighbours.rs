//! Nearest neighbours in a metric that no covariate's unit moves.

use ceteris_stats::linalg::{Cholesky, weighted_gram};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::learner::{BasisParams, Design, LearnerError};

/// Relative difference of squared distances that still counts as a tie: rounding, not geometry.
const TIE: f64 = 1e-10;

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Squared differences over variances.
    InverseVariance,
    /// Squared differences in units of the covariance: correlated covariates count once.
    Mahalanobis,
}

/// Rows as points between which Euclidean distance is the metric's.
pub(super) struct Points(Array2<f64>);

impl Points {
    /// Numeric columns as they are, one indicator a level, then the metric.
    pub(super) fn new(x: &Design, metric: Metric) -> Result<Self, LearnerError> {
        let ones = vec![1.0; x.n()];
        let mut z = BasisParams::LINEAR.fit(x, &ones)?.expand(x)?;
        for mut column in z.axis_iter_mut(Axis(1)) {
            let mean = column.sum() / ones.len() as f64;
            let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / ones.len() as f64;
            let scale = if variance > 0.0 {
                variance.sqrt()
            } else {
                f64::INFINITY
            };
            column.mapv_inplace(|v| (v - mean) / scale);
        }
        if metric == Metric::Mahalanobis {
            let mut covariance = weighted_gram(z.view(), &ones);
            covariance.mapv_inplace(|v| v / ones.len() as f64);
            let chol = Cholesky::new(&covariance, 1e-11);
            for mut row in z.outer_iter_mut() {
                let white = chol.whiten(&row.to_vec());
                row.iter_mut().zip(white).for_each(|(r, v)| *r = v);
            }
        }
        Ok(Points(z))
    }

    fn squared(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (self.0.row(a), self.0.row(b));
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// For each of `from` the rows of `among` (itself left out) at most as far as the `m`-th nearest: `m` of them, or
    /// more where some are equally far. In row order.
    pub(super) fn nearest(&self, from: &[usize], among: &[usize], m: usize) -> Vec<Vec<usize>> {
        // Along the first coordinate the search goes outward and ends where that coordinate alone is too far.
        let first = |i: usize| if self.0.ncols() == 0 { 0.0 } else { self.0[[i, 0]] };
        let mut sorted = among.to_vec();
        sorted.sort_unstable_by(|&a, &b| first(a).total_cmp(&first(b)).then(a.cmp(&b)));
        from.par_iter()
            .map(|&i| {
                let start = sorted.partition_point(|&j| first(j) < first(i));
                let mut near = Near::new(m);
                let mut look = |rows: &mut dyn Iterator<Item = &usize>| {
                    for &j in rows {
                        if (first(j) - first(i)).powi(2) > near.radius() {
                            break;
                        }
                        if j != i {
                            near.offer(self.squared(i, j), j);
                        }
                    }
                };
                look(&mut sorted[..start].iter().rev());
                look(&mut sorted[start..].iter());
                near.rows()
            })
            .collect()
    }
}

/// The nearest rows seen so far, ties with the farthest of them included.
struct Near {
    m: usize,
    held: Vec<(f64, usize)>,
}

impl Near {
    fn new(m: usize) -> Self {
        Near { m, held: Vec::new() }
    }

    /// No row farther than this can be among the nearest.
    fn radius(&self) -> f64 {
        if self.held.len() < self.m {
            f64::INFINITY
        } else {
            self.held[self.m - 1].0 * (1.0 + TIE) + f64::MIN_POSITIVE
        }
    }

    fn offer(&mut self, distance: f64, row: usize) {
        if distance > self.radius() {
            return;
        }
        let at = self.held.partition_point(|(d, _)| *d <= distance);
        self.held.insert(at, (distance, row));
        let radius = self.radius();
        while self.held.len() > self.m && self.held.last().is_some_and(|(d, _)| *d > radius) {
            self.held.pop();
        }
    }

    fn rows(self) -> Vec<usize> {
        let mut rows: Vec<usize> = self.held.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }
}

#[cfg(test)]
mod tests {
    use ceteris_effect::Column;

    use super::*;

    fn points(columns: Vec<Vec<f64>>, metric: Metric) -> Points {
        let named = columns.into_iter().map(|v| (Column::numeric("x"), v)).collect();
        Points::new(&Design::from_columns(named).unwrap(), metric).unwrap()
    }

    #[test]
    fn ties_are_all_taken_and_a_row_is_not_its_own_neighbour() {
        let p = points(vec![vec![0.0, 1.0, 1.0, -1.0, 5.0, 0.2]], Metric::InverseVariance);
        assert_eq!(p.nearest(&[0], &[0, 1, 2, 3, 4], 1), [[1, 2, 3]]);
        assert_eq!(p.nearest(&[0], &[1, 4, 5], 2), [[1, 5]]);
        assert_eq!(p.nearest(&[4], &[0, 1], 5), [[0, 1]]);
    }

    #[test]
    fn the_sweep_finds_what_looking_at_every_row_finds() {
        let wave = |k: usize, i: usize| ((i * (7919 + 31 * k)) % 211) as f64;
        let columns: Vec<Vec<f64>> = (0..3).map(|k| (0..150).map(|i| wave(k, i)).collect()).collect();
        let among: Vec<usize> = (0..150).filter(|i| i % 3 > 0).collect();
        for metric in [Metric::InverseVariance, Metric::Mahalanobis] {
            let p = points(columns.clone(), metric);
            for i in 0..150 {
                let mut all: Vec<(f64, usize)> = among
                    .iter()
                    .filter(|&&j| j != i)
                    .map(|&j| (p.squared(i, j), j))
                    .collect();
                all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
                let mut expected: Vec<usize> = all
                    .iter()
                    .filter(|(d, _)| *d <= all[3].0 * (1.0 + TIE))
                    .map(|(_, j)| *j)
                    .collect();
                expected.sort_unstable();
                assert_eq!(p.nearest(&[i], &among, 4), [expected]);
            }
        }
    }

    #[test]
    fn mahalanobis_does_not_see_a_change_of_coordinates() {
        let a: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 61)).collect();
        let b: Vec<f64> = (0..60).map(|i| f64::from(i * 53 % 59)).collect();
        let mixed: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 3.0 * a + b).collect();
        let among: Vec<usize> = (0..60).collect();
        let plain = points(vec![a.clone(), b], Metric::Mahalanobis).nearest(&among, &among, 3);
        let turned = points(vec![a, mixed], Metric::Mahalanobis).nearest(&among, &among, 3);
        assert_eq!(plain, turned);
    }
}
