//! Weighted standardisation of basis columns, so that penalties and pivots do not depend on units.

use ceteris_stats::linalg::BLOCK_ROWS;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use crate::learner::{Design, FittedBasis, LearnerError};

/// Spread of a column, relative to its mean, up to which it is a constant that rounding has moved.
const CONSTANT: f64 = 1e-12;

/// What the terms and targets of a fit were centred and scaled by; the scale of a constant term is infinite.
pub(crate) struct Scales {
    pub(crate) z_mean: Vec<f64>,
    pub(crate) z_scale: Vec<f64>,
    pub(crate) y_mean: Vec<f64>,
}

/// Standardised training data of one fit.
pub(crate) struct Standardised {
    pub(crate) z: Array2<f64>,
    pub(crate) y: Array2<f64>,
    pub(crate) scales: Scales,
}

/// Terms of some rows, nearly centred.
pub(crate) struct Centred {
    /// n × (1 + p), the first column being ones.
    pub(crate) z: Array2<f64>,
    /// What was taken from each term: its mean over the first block, which is near that over all rows.
    pub(crate) about: Vec<f64>,
    /// Spread of each term about its mean over all rows, zero where it is a constant.
    pub(crate) variance: Vec<f64>,
}

impl Centred {
    /// Expands the rows in one pass, with weights of mean one; the means go to the basis
    /// ([`crate::learner::BasisParams::fit_but_means`]).
    pub(crate) fn of(basis: &mut FittedBasis, x: &Design, w: &[f64]) -> Result<Self, LearnerError> {
        let (n, p) = (x.n(), basis.width());
        let mut z = Array2::zeros((n, 1 + p));
        z.column_mut(0).fill(1.0);
        let (mut about, mut sums, mut squares) = (Vec::new(), vec![0.0; p], vec![0.0; p]);
        for start in (0..n).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(n);
            let mut block = z.slice_mut(s![start..end, 1..]);
            basis.expand_into(x, start..end, block.view_mut())?;
            if start == 0 {
                about = means(block.view(), &w[..end]);
            }
            for (mut row, w) in block.outer_iter_mut().zip(&w[start..end]) {
                let Some(row) = row.as_slice_mut() else { continue };
                for (((v, about), sum), square) in row.iter_mut().zip(&about).zip(&mut sums).zip(&mut squares)
                {
                    *v -= about;
                    *sum += w * *v;
                    *square += w * *v * *v;
                }
            }
        }
        let total = n as f64;
        let mean = about.iter().zip(&sums).map(|(a, s)| a + s / total);
        let mean: Vec<f64> = mean.collect();
        let raw = sums
            .iter()
            .zip(&squares)
            .map(|(s, q)| q / total - (s / total).powi(2));
        let variance = raw.zip(&mean).map(|(v, mean)| match scale_of(v, *mean) {
            scale if scale.is_finite() => scale * scale,
            _ => 0.0,
        });
        let variance = variance.collect();
        basis.set_means(&mean);
        Ok(Centred { z, about, variance })
    }
}

/// The scale of a term: infinite where it is a constant that rounding has moved.
pub(super) fn scale_of(variance: f64, mean: f64) -> f64 {
    let scale = variance.max(0.0).sqrt();
    if scale > CONSTANT * mean.abs() {
        scale
    } else {
        f64::INFINITY
    }
}

/// Weighted means of columns; zero where no row has weight. Those of a block of rows are near those of all: sums about
/// them lose no more to rounding than sums about the latter, and a constant is exactly zero.
pub(super) fn means(rows: ArrayView2<f64>, w: &[f64]) -> Vec<f64> {
    let total: f64 = w.iter().sum();
    let mut mean = vec![0.0; rows.ncols()];
    for (row, w) in rows.outer_iter().zip(w) {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += w * v);
    }
    if total > 0.0 {
        mean.iter_mut().for_each(|m| *m /= total);
    }
    mean
}

/// Standardises the basis columns `z` and centres the targets `y` with weights of mean one; constant columns become zero.
pub(crate) fn standardise(mut z: Array2<f64>, y: ArrayView2<f64>, w: &[f64]) -> Standardised {
    let (z_mean, y_mean) = (means(z.view(), w), means(y, w));
    let total = z.nrows() as f64;
    let mut z_scale = Vec::with_capacity(z.ncols());
    for (mut column, mean) in z.axis_iter_mut(Axis(1)).zip(&z_mean) {
        column.mapv_inplace(|v| v - mean);
        let variance = column.iter().zip(w).map(|(v, w)| w * v * v).sum::<f64>() / total;
        let scale = scale_of(variance, *mean);
        column.mapv_inplace(|v| v / scale);
        z_scale.push(scale);
    }
    let y = &y - &ArrayView1::from(&y_mean);
    Standardised {
        z,
        y,
        scales: Scales {
            z_mean,
            z_scale,
            y_mean,
        },
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn mean_zero_and_variance_one_under_the_weights() {
        let z = array![[1.0, 7.0], [3.0, 7.0], [3.0, 7.0]];
        let found = standardise(z, array![[1.0], [2.0], [4.0]].view(), &[1.5, 0.75, 0.75]);
        assert_eq!(found.scales.z_mean, [2.0, 7.0]);
        assert_eq!(found.scales.z_scale, [1.0, f64::INFINITY]);
        assert_eq!(found.z, array![[-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]);
        assert_eq!(found.y, array![[-1.0], [0.0], [2.0]]);
    }
}
