//! Which rows are one unit, and sums over them.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};

use crate::{Unit, numbered};

/// A partition of the rows into clusters: rows of one unit are not independent draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    of_row: Vec<usize>,
    count: usize,
}

impl Clusters {
    /// One cluster a unit, numbered in the order of unit keys.
    pub fn by_unit(units: &[Unit]) -> Self {
        let (of_row, distinct) = numbered(units);
        Clusters {
            of_row,
            count: distinct.len(),
        }
    }

    /// Every row by itself.
    pub fn rows(n: usize) -> Self {
        Clusters {
            of_row: (0..n).collect(),
            count: n,
        }
    }

    /// Number of clusters, G.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.of_row.len()
    }

    /// Clusters that hold a row of positive weight.
    pub fn weighted_count(&self, w: &[f64]) -> usize {
        let mut seen = vec![false; self.count];
        self.of_row.iter().zip(w).for_each(|(&c, w)| seen[c] |= *w > 0.0);
        seen.into_iter().filter(|s| *s).count()
    }

    /// The cells of this partition and another: rows share one where they share both clusters.
    pub fn crossed(&self, other: &Clusters) -> Clusters {
        let pairs = || self.of_row.iter().zip(&other.of_row).map(|(&a, &b)| (a, b));
        let mut number: BTreeMap<(usize, usize), usize> = pairs().map(|pair| (pair, 0)).collect();
        for (i, n) in number.values_mut().enumerate() {
            *n = i;
        }
        Clusters {
            of_row: pairs()
                .map(|pair| number.get(&pair).copied().unwrap_or(0))
                .collect(),
            count: number.len(),
        }
    }

    /// The sum over each cluster's rows of `v`.
    pub fn sums_of(&self, v: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        self.of_row.iter().zip(v).for_each(|(&c, v)| sums[c] += v);
        sums
    }

    /// `sum over clusters of (sum over its rows of v)^2`.
    pub fn sum_of_squares(&self, v: &[f64]) -> f64 {
        self.sums_of(v).iter().map(|s| s * s).sum()
    }

    /// Cluster sums of vectors: `v` is n × q, the answer G × q.
    pub fn sums(&self, v: ArrayView2<f64>) -> Array2<f64> {
        let mut sums = Array2::zeros((self.count, v.ncols()));
        for (&c, row) in self.of_row.iter().zip(v.outer_iter()) {
            sums.row_mut(c).iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        sums
    }
}
