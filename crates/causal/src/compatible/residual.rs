//! What regressions leave of a column, and the correlation of two such remainders with its error by unit.

use ceteris_stats::Clusters;
use ceteris_stats::linalg::{Cholesky, weighted_cross, weighted_gram};
use ndarray::{Array2, ArrayView2};

/// Pivots below this share of their column's length are linear combinations of others.
const ALIASED: f64 = 1e-9;
/// Inner knots of a spline, at equal shares of the data.
const KNOTS: usize = 4;
/// A remainder shorter than this share of the column is rounding.
const NOTHING_LEFT: f64 = 1e-6;

/// The regression of any column on a set of others, by least squares.
pub(super) struct Regressors {
    design: Array2<f64>,
    factor: Cholesky,
}

impl Regressors {
    /// A constant and the set's columns; with `smooth`, splines of them and their products.
    pub(super) fn new(set: &[&Vec<f64>], rows: usize, smooth: bool) -> Self {
        let mut columns: Vec<Vec<f64>> = vec![vec![1.0; rows]];
        for column in set {
            if smooth {
                columns.extend(spline(column));
            } else {
                columns.push(standardised(column));
            }
        }
        if smooth {
            for (i, a) in set.iter().enumerate() {
                for b in &set[..i] {
                    let (a, b) = (standardised(a), standardised(b));
                    columns.push(standardised(
                        &a.iter().zip(&b).map(|(a, b)| a * b).collect::<Vec<_>>(),
                    ));
                }
            }
        }
        let design = Array2::from_shape_fn((rows, columns.len()), |(i, j)| columns[j][i]);
        let factor = Cholesky::new(&weighted_gram(design.view(), &vec![1.0; rows]), ALIASED);
        Self { design, factor }
    }

    pub(super) fn rank(&self) -> usize {
        self.factor.rank()
    }

    /// What is left of a column; `None` when nothing is.
    pub(super) fn residuals(&self, column: &[f64]) -> Option<Vec<f64>> {
        let column = standardised(column);
        let rows = column.len();
        let view = ArrayView2::from_shape((rows, 1), &column).ok()?;
        let cross = weighted_cross(self.design.view(), view, &vec![1.0; rows]);
        let beta = self.factor.solve(&cross.column(0).to_vec());
        let fitted = self.design.dot(&ndarray::Array1::from(beta));
        let left: Vec<f64> = column.iter().zip(&fitted).map(|(c, f)| c - f).collect();
        let square: f64 = left.iter().map(|l| l * l).sum();
        (square > NOTHING_LEFT * rows as f64).then_some(left)
    }
}

/// Mean zero, variance one; zeros where the column does not vary.
fn standardised(column: &[f64]) -> Vec<f64> {
    let n = column.len() as f64;
    let mean = column.iter().sum::<f64>() / n;
    let sd = (column.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n).sqrt();
    let scale = if sd > f64::EPSILON * mean.abs() {
        1.0 / sd
    } else {
        0.0
    };
    column.iter().map(|c| (c - mean) * scale).collect()
}

/// The ranks of a column from -1 to 1, equal values in the middle of theirs.
fn ranks(column: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_by(|&a, &b| column[a].total_cmp(&column[b]));
    let mut ranks = vec![0.0; column.len()];
    let mut first = 0;
    while first < order.len() {
        let mut last = first;
        while last + 1 < order.len() && column[order[last + 1]] == column[order[first]] {
            last += 1;
        }
        let middle = (first + last + 1) as f64 / column.len() as f64 - 1.0;
        order[first..=last].iter().for_each(|&i| ranks[i] = middle);
        first = last + 1;
    }
    ranks
}

/// The functions of a variable whose dependence the nonparametric test looks for: its rank, and how far out it is.
pub(super) fn functions(column: &[f64]) -> Vec<Vec<f64>> {
    let rank = ranks(column);
    let square: Vec<f64> = rank.iter().map(|r| r * r).collect();
    let varies = square.iter().any(|s| (s - square[0]).abs() > 1e-9);
    // Of a variable with two equally frequent values the square is a constant and tells nothing.
    if varies { vec![rank, square] } else { vec![rank] }
}

/// A cubic truncated-power spline in ranks, with the column itself.
fn spline(column: &[f64]) -> Vec<Vec<f64>> {
    let rank = ranks(column);
    let mut basis = vec![standardised(column)];
    for power in 1..=3 {
        basis.push(standardised(
            &rank.iter().map(|r| r.powi(power)).collect::<Vec<_>>(),
        ));
    }
    for knot in 1..=KNOTS {
        let at = 2.0 * knot as f64 / (KNOTS + 1) as f64 - 1.0;
        basis.push(standardised(
            &rank.iter().map(|r| (r - at).max(0.0).powi(3)).collect::<Vec<_>>(),
        ));
    }
    basis
}

/// The correlation of two remainders, and its t statistic under independence with products summed by unit.
pub(super) fn clustered(x: &[f64], y: &[f64], clusters: &Clusters) -> (f64, f64) {
    let products: Vec<f64> = x.iter().zip(y).map(|(x, y)| x * y).collect();
    let sums = clusters.sums_of(&products);
    let xx: f64 = x.iter().map(|x| x * x).sum();
    let yy: f64 = y.iter().map(|y| y * y).sum();
    let xy: f64 = sums.iter().sum();
    let square: f64 = sums.iter().map(|s| s * s).sum();
    let g = clusters.count() as f64;
    // Around the mean, as under the alternative: the test is of the mean product.
    let variance = (square - xy * xy / g).max(f64::MIN_POSITIVE) * g / (g - 1.0);
    (xy / (xx * yy).sqrt(), xy / variance.sqrt())
}
