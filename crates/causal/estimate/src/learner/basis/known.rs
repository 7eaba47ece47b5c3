//! What the known values of numeric columns have in common: centres, scales, and whether some are missing.

use serde::{Deserialize, Serialize};

use crate::learner::Design;

/// Weighted sums over the rows in which a column's value is known, taken a row at a time, as the table lies.
pub(super) struct Known {
    /// Weight of those rows.
    pub(super) weight: Vec<f64>,
    /// Mean; zero where nothing is known.
    pub(super) centre: Vec<f64>,
    /// Sum of squares about the mean.
    squares: Vec<f64>,
    /// Whether the value is missing in a row of positive weight.
    pub(super) missing: Vec<bool>,
}

impl Known {
    pub(super) fn of(x: &Design, w: &[f64]) -> Self {
        let zeros = || vec![0.0; x.p()];
        let (mut weight, mut sums, mut squares) = (zeros(), zeros(), zeros());
        // About the first known value, so that one pass serves and a constant has squares of exactly zero.
        let first = |j| x.column(j).find(|v| !v.is_nan()).unwrap_or(0.0);
        let mut centre: Vec<f64> = (0..x.p()).map(first).collect();
        for (row, &w) in x.rows().zip(w) {
            let cells = row
                .iter()
                .zip(&centre)
                .zip(&mut weight)
                .zip(&mut sums)
                .zip(&mut squares);
            for ((((v, about), weight), sum), square) in cells {
                let (known, gap) = if v.is_nan() { (0.0, 0.0) } else { (w, v - about) };
                *weight += known;
                *sum += known * gap;
                *square += known * gap * gap;
            }
        }
        for (((centre, weight), sum), square) in centre.iter_mut().zip(&weight).zip(sums).zip(&mut squares) {
            if *weight > 0.0 {
                *centre += sum / weight;
                *square = (*square - sum * sum / weight).max(0.0);
            }
        }
        let total: f64 = w.iter().sum();
        let lacks = |(j, weight): (usize, &f64)| {
            *weight < total && x.column(j).zip(w).any(|(v, w)| v.is_nan() && *w > 0.0)
        };
        Known {
            missing: weight.iter().enumerate().map(lacks).collect(),
            weight,
            centre,
            squares,
        }
    }

    /// Centre and scale of a column, its squares being spread over rows of so much weight.
    pub(super) fn standard(&self, column: usize, weight: f64) -> Option<Standard> {
        let (centre, scale) = (self.centre[column], (self.squares[column] / weight).sqrt());
        // Rounding leaves a constant column a spread of some units in the last place.
        (scale > 1e-12 * centre.abs() && scale.is_finite()).then_some(Standard {
            column,
            centre,
            per_scale: 1.0 / scale,
        })
    }
}

/// Centre of a numeric column and one over its scale; absent where the column is constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Standard {
    pub(super) column: usize,
    centre: f64,
    per_scale: f64,
}

impl Standard {
    pub(super) fn apply(&self, row: &[f64]) -> f64 {
        (row[self.column] - self.centre) * self.per_scale
    }
}
